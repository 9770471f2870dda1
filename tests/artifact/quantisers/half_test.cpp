#include "models/artifact/quantisers/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace reprise {
namespace {

TEST(Half, EveryHalfComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = from_half(half);
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(from_half(to_half(value)))) << bits;
    else
      EXPECT_EQ(to_half(value), half) << bits;
  }
}

TEST(Half, KnownValues) {
  EXPECT_EQ(from_half(0x3c00), 1.0F);
  EXPECT_EQ(from_half(0xc000), -2.0F);
  EXPECT_EQ(from_half(0x7bff), kLargestHalf);
  EXPECT_EQ(from_half(0x0001), 0x1p-24F);
  EXPECT_EQ(from_half(0x0400), 0x1p-14F);
  EXPECT_EQ(from_half(0x3555), 0.333251953125F);
  EXPECT_TRUE(std::signbit(from_half(0x8000)));
}

/// Between any two neighbours: what lies nearer to one becomes it, and the middle the even one.
TEST(Half, RoundsToNearestAndTiesToEven) {
  for (uint16_t low = 0; low < 0x7bff; ++low) {
    const auto high = static_cast<uint16_t>(low + 1);
    const float middle = (from_half(low) + from_half(high)) / 2;  // exact in a float
    EXPECT_EQ(to_half(middle), low % 2 == 0 ? low : high) << low;
    EXPECT_EQ(to_half(std::nextafter(middle, 0.0F)), low) << low;
    EXPECT_EQ(to_half(std::nextafter(middle, 1e6F)), high) << low;
    EXPECT_EQ(to_half(-middle), 0x8000 | (low % 2 == 0 ? low : high)) << low;
  }
}

TEST(Half, BeyondTheRangeIsInfinity) {
  EXPECT_EQ(to_half(65519.996F), 0x7bff);
  EXPECT_EQ(to_half(65520.0F), 0x7c00);
  EXPECT_EQ(to_half(-1e30F), 0xfc00);
  EXPECT_EQ(to_half(std::numeric_limits<float>::infinity()), 0x7c00);
  EXPECT_EQ(to_half(1e-30F), 0);
}

}  // namespace
}  // namespace reprise
