#include "base/ini.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

using testing::HasSubstr;

class IniTest : public testing::Test {
 protected:
  std::string file(std::string_view text) const {
    write_file(folder_ / "a.ini", text);
    return (folder_ / "a.ini").string();
  }
  std::string refusal(std::string_view text) const {
    try {
      read_ini(file(text));
    } catch (const Error& error) {
      return error.what();
    }
    return "read";
  }

  TemporaryFolder folder_;
};

TEST_F(IniTest, EntriesStandInTheirOrderWithoutCommentsAndByteOrderMark) {
  const auto entries =
      read_ini(file("\xEF\xBB\xBF[b]\nkey = one two # no more\n\n[a]\nkey = \"1\"\n"));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "b.key");
  EXPECT_EQ(entries[0].value, "one two");
  EXPECT_EQ(entries[1].name, "a.key");
  EXPECT_EQ(entries[1].value, "\"1\"");
  EXPECT_TRUE(read_ini(file("")).empty());
}

TEST_F(IniTest, RefusesASecondValueNamingFileAndLine) {
  EXPECT_THAT(refusal("[a]\nkey = 1\n[b]\nkey = 1\n[a]\n key=2\n"),
              HasSubstr("a.ini: line 6 gives a.key a second time"));
}

TEST_F(IniTest, RefusesWhatIsNoIniFile) {
  EXPECT_THAT(refusal("[a]\nonly words\n"), HasSubstr("a.ini: "));
  EXPECT_THAT(refusal("[a]\nkey = \xFF\n"), HasSubstr("UTF-8"));
  EXPECT_THROW(read_ini((folder_ / "none.ini").string()), Error);
}

}  // namespace
}  // namespace reprise
