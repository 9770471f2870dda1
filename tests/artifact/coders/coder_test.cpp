#include "models/artifact/coders/coder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

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

/// What the codes of `bits` bits look like, drawn as `shape` says.
enum class Draw { kConstant, kUniform, kNormal, kSkewed };

std::string draw_codes(int bits, Draw shape, size_t size) {
  const RandomStream stream(5, Purpose::kTest);
  const int largest = (1 << (bits - 1)) - 1;
  std::string codes;
  for (size_t i = 0; i < size; ++i) {
    int code = largest;
    if (shape == Draw::kUniform)
      code = static_cast<int>(stream.below(i, static_cast<uint64_t>(2 * largest + 1))) - largest;
    if (shape == Draw::kNormal)
      code = static_cast<int>(std::lround(largest * stream.normal(i) / 3));
    if (shape == Draw::kSkewed)
      code = stream.below(i, 50) == 0 ? -largest : static_cast<int>(stream.below(i, 2));
    codes += static_cast<char>(std::clamp(code, -largest, largest));
  }
  return codes;
}

void expect_round_trip(Coder coder, const std::string& bytes, int64_t row_bytes) {
  const std::string coded = encode(coder, bytes, row_bytes);
  EXPECT_EQ(decode(coder, coded, std::ssize(bytes), row_bytes), bytes) << row_bytes;
}

TEST_P(CoderTest, ReturnsCodesOfEveryWidthInRowsOfAnyLength) {
  for (int bits = 2; bits <= 8; ++bits)
    for (const Draw shape : {Draw::kConstant, Draw::kUniform, Draw::kNormal, Draw::kSkewed})
      for (const int64_t row_bytes : {0, 1, 37, 1'000, 5'000})
        expect_round_trip(GetParam(), draw_codes(bits, shape, 1'000), row_bytes);
}

TEST_P(CoderTest, ReturnsEveryByteAndEveryShortLength) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  for (int byte = 0; byte < 256; ++byte) {
    expect_round_trip(GetParam(), std::string(1, static_cast<char>(byte)), 1);
    expect_round_trip(GetParam(), std::string(5, static_cast<char>(byte)), 2);
  }
  for (size_t size = 0; size <= 70; ++size)
    for (const int64_t row_bytes : {0, 7}) {
      expect_round_trip(GetParam(), bytes.substr(100, size), row_bytes);
      expect_round_trip(GetParam(), std::string(size, '\x7F'), row_bytes);
    }
  for (const int64_t row_bytes : {0, 1, 3, 16, 256})
    expect_round_trip(GetParam(), bytes, row_bytes);
}

// Every byte of a stream, changed in every bit; every cut; other sizes and rows.
TEST_P(CoderTest, SurvivesDamageOfEveryByte) {
  for (const int64_t row_bytes : {0, 20}) {
    std::string bytes = draw_codes(4, Draw::kNormal, 300);
    bytes.replace(200, 60, bytes, 100, 60);
    const std::string coded = encode(GetParam(), bytes, row_bytes);
    const auto try_to_decode = [&](std::string_view damaged, int64_t size, int64_t rows) {
      try {
        EXPECT_EQ(std::ssize(decode(GetParam(), damaged, size, rows)), size);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kBadInput);
      }
    };
    for (size_t at = 0; at < coded.size(); ++at) {
      for (const int change : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
        std::string damaged = coded;
        damaged[at] ^= static_cast<char>(change);
        try_to_decode(damaged, 300, row_bytes);
      }
      try_to_decode(coded.substr(0, at), 300, row_bytes);
      try_to_decode(coded.substr(at), 300, row_bytes);
    }
    try_to_decode(coded + "more", 300, row_bytes);
    for (const int64_t other : {0, 1, 19, 300, 4'000}) try_to_decode(coded, 300, other);
    for (const int64_t size : {0, 1, 299, 301, 5'000}) try_to_decode(coded, size, row_bytes);
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
                         testing::Values(Coder::kStored, Coder::kZstd, Coder::kBrotli, Coder::kLzma,
                                         Coder::kRans));

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
