#include "models/artifact/coders/coder.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "models/artifact/section.h"

namespace reprise {
namespace {

std::string noise(size_t bytes, uint64_t symbols) {
  const RandomStream stream(3, Purpose::kTest);
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text += static_cast<char>(stream.below(i, symbols));
  return text;
}

class CoderTest : public testing::TestWithParam<Coder> {};

TEST_P(CoderTest, ReturnsWhatItWasGiven) {
  for (const size_t size : {1, 2, 255, 256, 4'097, 100'000})
    for (const uint64_t symbols : {1, 2, 15, 256}) {
      const std::string bytes = noise(size, symbols);
      const std::string coded = encode(GetParam(), bytes);
      EXPECT_EQ(decode(GetParam(), coded, static_cast<int64_t>(size)), bytes);
      EXPECT_EQ(encode(GetParam(), bytes), coded);
    }
}

TEST_P(CoderTest, RefusesAnotherSizeAndWhatIsCutOff) {
  const std::string coded = encode(GetParam(), noise(1'000, 15));
  const std::string_view cut = std::string_view(coded).substr(0, coded.size() - 1);
  EXPECT_THROW(decode(GetParam(), coded, 999), Error);
  EXPECT_THROW(decode(GetParam(), coded, 1'001), Error);
  EXPECT_THROW(decode(GetParam(), cut, 1'000), Error);
  EXPECT_THROW(decode(GetParam(), "", 1'000), Error);
}

TEST_P(CoderTest, SurvivesDamage) {
  const std::string bytes = noise(2'000, 40), coded = encode(GetParam(), bytes);
  const RandomStream stream(4, Purpose::kTest);
  for (uint64_t i = 0; i < 2'000; ++i) {
    std::string damaged = coded;
    damaged[stream.below(2 * i, coded.size())] ^=
        static_cast<char>(1 + stream.below(2 * i + 1, 255));
    try {
      EXPECT_EQ(decode(GetParam(), damaged, 2'000).size(), 2'000);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kBadInput);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, CoderTest,
                         testing::Values(Coder::kStored, Coder::kZstd, Coder::kBrotli,
                                         Coder::kLzma));

TEST(Shuffle, PutsLikeBytesSideBySideAndBack) {
  EXPECT_EQ(shuffle_bytes("aAbBcC", 2), "abcABC");
  for (const int64_t width : {1, 2, 4}) {
    const std::string bytes = noise(64, 256);
    EXPECT_EQ(unshuffle_bytes(shuffle_bytes(bytes, width), width), bytes);
  }
}

TEST(Section, TakesTheShortestCoderAndRecordsIt) {
  const std::string bytes = noise(5'000, 15);
  const SectionPlan plan{.bytes = 5'000};
  const std::string best = encode_section(plan, bytes);
  for (const auto& [coder, name] : EnumNames<Coder>::names) {
    const std::string coded = encode_section(plan, bytes, coder);
    EXPECT_LE(best.size(), coded.size());
    EXPECT_EQ(coder_of_section(coded), coder);
    EXPECT_EQ(decode_section(plan, coded), bytes);
  }
  EXPECT_EQ(decode_section(plan, best), bytes);
  EXPECT_EQ(coder_of_section(encode_section({.bytes = 3}, "xyz")), Coder::kStored);
  EXPECT_THROW(coder_of_section("\x07zzz"), Error);
  EXPECT_THROW(coder_of_section(""), Error);
}

}  // namespace
}  // namespace reprise
