#include "base/utf8.h"

#include <gtest/gtest.h>

#include "tests/support/unicode_text.h"

namespace reprise {
namespace {

constexpr auto kValid = std::string_view::npos;

TEST(Utf8, AcceptsTheEdgesOfEveryLength) {
  for (const std::string_view text :
       {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_EQ(first_invalid_utf8(text), kValid);
  EXPECT_EQ(first_invalid_utf8(std::string_view("\0", 1)), kValid);
}

TEST(Utf8, FindsTheFirstBadByte) {
  const std::pair<std::string_view, size_t> cases[] = {
      {"ab\xFF", 2},            // no lead byte
      {"a\x80", 1},             // a continuation alone
      {"\xC0\x80", 0},          // overlong, two bytes
      {"\xE0\x9F\xBF", 0},      // overlong, three
      {"\xF0\x8F\xBF\xBF", 0},  // overlong, four
      {"\xED\xA0\x80", 0},      // a surrogate
      {"\xF4\x90\x80\x80", 0},  // beyond U+10FFFF
      {"\xF5\x80\x80\x80", 0},
      {"é\xE2\x82", 2},     // cut short
      {"\xE2\x28\xA1", 0},  // a continuation that is none
  };
  for (const auto& [text, place] : cases) EXPECT_EQ(first_invalid_utf8(text), place) << text;
}

TEST(Utf8, CutsBetweenCharacters) {
  EXPECT_EQ(cut_utf8("aé日🙂", 100), "aé日🙂");
  const std::string_view expected[] = {"",     "a",    "a",    "aé",   "aé",        "aé",
                                       "aé日", "aé日", "aé日", "aé日", "aé日🙂"};
  for (size_t limit = 0; limit <= 10; ++limit)
    EXPECT_EQ(cut_utf8("aé日🙂", limit), expected[limit]) << limit;
}

TEST(Utf8, EveryCutOfRandomTextIsValid) {
  for (uint64_t number = 0; number < 50; ++number) {
    const std::string text = unicode_text(number, 30);
    ASSERT_EQ(first_invalid_utf8(text), kValid);
    for (size_t limit = 0; limit <= text.size(); ++limit) {
      const auto cut = cut_utf8(text, limit);
      EXPECT_EQ(first_invalid_utf8(cut), kValid);
      EXPECT_LE(limit - cut.size(), 3u);
    }
  }
}

}  // namespace
}  // namespace reprise
