#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "base/error.h"

namespace reprise {
namespace {
namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string name = (fs::temp_directory_path() / "reprise-file-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~FileTest() override { fs::remove_all(folder_); }
  int64_t files() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }
  fs::path folder_;
};

TEST_F(FileTest, WritesWholeFilesAndReplacesThem) {
  write_file(folder_ / "a", "first");
  write_file(folder_ / "a", std::string_view("se\0cond", 7));
  EXPECT_EQ(read_file(folder_ / "a"), std::string("se\0cond", 7));
  EXPECT_EQ(files(), 1);
}

TEST_F(FileTest, AFailedWriterLeavesTheOldFile) {
  write_file(folder_ / "a", "old");
  const auto half = [](const fs::path& temporary) {
    std::ofstream(temporary) << "ne";
    fail(ExitCode::kFailure, "the writer gave up");
  };
  EXPECT_THROW(replace_file(folder_ / "a", half), Error);
  EXPECT_EQ(read_file(folder_ / "a"), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(FileTest, AFullDiskLeavesTheOldFileAndSaysSo) {
  write_file(folder_ / "a", "old");
  // A limit on file size stands in for a full disk: write() fails half way in the same manner.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    write_file(folder_ / "a", std::string(5000, 'x'));
  } catch (const Error& error) {
    message = error.what();
    EXPECT_EQ(error.code(), ExitCode::kFailure);
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, concat("cannot write ", (folder_ / "a").string(), ": File too large"));
  EXPECT_EQ(read_file(folder_ / "a"), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(FileTest, ReadsTextAndRefusesWhatIsNone) {
  write_file(folder_ / "text", "caf\xc3\xa9");
  EXPECT_EQ(read_text(folder_ / "text"), "caf\xc3\xa9");
  write_file(folder_ / "latin", "caf\xe9");
  try {
    read_text(folder_ / "latin");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    EXPECT_EQ(error.what(), concat((folder_ / "latin").string(), ": not UTF-8 at byte 3"));
  }
}

TEST_F(FileTest, TellsBeforehandWhetherThereIsAPlaceForAFile) {
  write_file(folder_ / "file", "-");
  EXPECT_NO_THROW(require_place_for(folder_ / "a", "--out"));
  EXPECT_NO_THROW(require_place_for(folder_ / "a/b/c", "--out"));
  EXPECT_NO_THROW(require_place_for("relative", "--out"));
  try {
    require_place_for(folder_ / "file/b/c", "--out");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_EQ(error.what(),
              concat("--out ", (folder_ / "file/b/c").string(), ": ", (folder_ / "file").string(),
                     " is no folder; name another place"));
  }
}

TEST_F(FileTest, AppendsLines) {
  append_line(folder_ / "ledger", "one");
  append_line(folder_ / "ledger", "two");
  EXPECT_EQ(read_file(folder_ / "ledger"), "one\ntwo\n");
}

TEST_F(FileTest, MapsAFileAndRefusesAnEmptyOne) {
  write_file(folder_ / "a", "xyz");
  write_file(folder_ / "empty", "");
  const MappedFile mapped(folder_ / "a");
  EXPECT_EQ(std::string(mapped.bytes().begin(), mapped.bytes().end()), "xyz");
  EXPECT_THROW(MappedFile(folder_ / "empty"), Error);
  EXPECT_THROW(MappedFile(folder_ / "none"), Error);
  EXPECT_THROW(read_file(folder_), Error);
}

}  // namespace
}  // namespace reprise
