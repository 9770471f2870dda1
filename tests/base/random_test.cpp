#include "base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace reprise {
namespace {

// Known answers published with Random123 (kat_vectors, philox4x32-10).
TEST(Philox, KnownAnswers) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, EveryPartOfTheAddressMatters) {
  const RandomStream stream(1, Purpose::kTest, 2);
  EXPECT_EQ(stream.bits(3), RandomStream(1, Purpose::kTest, 2).bits(3));
  EXPECT_NE(stream.bits(3), stream.bits(4));
  EXPECT_NE(stream.bits(3), RandomStream(2, Purpose::kTest, 2).bits(3));
  EXPECT_NE(stream.bits(3), RandomStream(1, Purpose::kInit, 2).bits(3));
  EXPECT_NE(stream.bits(3), RandomStream(1, Purpose::kTest, 3).bits(3));
}

TEST(RandomStream, MomentsAreThoseOfTheirDistributions) {
  const RandomStream stream(7, Purpose::kTest);
  constexpr int kDraws = 100'000;
  double uniform_sum = 0, normal_sum = 0, normal_squares = 0;
  for (uint64_t i = 0; i < kDraws; ++i) {
    const double u = stream.uniform(i), n = stream.normal(i);
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ASSERT_TRUE(std::isfinite(n));
    uniform_sum += u;
    normal_sum += n;
    normal_squares += n * n;
  }
  // Five standard errors: 5 / sqrt(12 * kDraws), 5 / sqrt(kDraws), 5 * sqrt(2 / kDraws).
  EXPECT_NEAR(uniform_sum / kDraws, 0.5, 0.0046);
  EXPECT_NEAR(normal_sum / kDraws, 0, 0.016);
  EXPECT_NEAR(normal_squares / kDraws, 1, 0.023);
}

TEST(RandomStream, BelowReachesEveryValueAndNoOther) {
  const RandomStream stream(3, Purpose::kTest);
  std::array<int, 7> seen{};
  for (uint64_t i = 0; i < 700; ++i) ++seen.at(stream.below(i, seen.size()));
  for (const int count : seen) EXPECT_GT(count, 50);
}

TEST(Permute, VisitsEveryIndexOnce) {
  const RandomStream stream(5, Purpose::kBatch);
  for (const uint64_t size : {1u, 2u, 3u, 17u, 64u, 1000u}) {
    std::vector<bool> seen(size);
    for (uint64_t i = 0; i < size; ++i) {
      const uint64_t to = permute(stream, i, size);
      ASSERT_LT(to, size);
      EXPECT_FALSE(seen[to]) << "twice: " << to << " of " << size;
      seen[to] = true;
    }
  }
}

TEST(Permute, DependsOnTheStream) {
  const RandomStream one(1, Purpose::kBatch, 0), two(1, Purpose::kBatch, 1);
  int moved = 0;
  for (uint64_t i = 0; i < 1000; ++i) moved += permute(one, i, 1000) != permute(two, i, 1000);
  EXPECT_GT(moved, 980);
}

}  // namespace
}  // namespace reprise
