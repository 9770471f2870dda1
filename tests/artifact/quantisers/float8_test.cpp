#include "models/artifact/quantisers/float8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace reprise {
namespace {

TEST(Float8, EveryCodeComesBack) {
  for (int code = 0; code < 256; ++code) {
    const float value = from_float8(static_cast<uint8_t>(code));
    if (std::isnan(value))
      EXPECT_EQ(code & 0x7f, 0x7f);
    else
      EXPECT_EQ(to_float8(value), code);
  }
}

TEST(Float8, KnownValues) {
  EXPECT_EQ(from_float8(0x38), 1.0F);
  EXPECT_EQ(from_float8(0xc0), -2.0F);
  EXPECT_EQ(from_float8(0x7e), kLargestFloat8);
  EXPECT_EQ(from_float8(0x01), 0x1p-9F);
  EXPECT_EQ(from_float8(0x08), 0x1p-6F);
  EXPECT_TRUE(std::signbit(from_float8(0x80)));
}

/// Between any two neighbours: what lies nearer to one becomes it, and the middle the even one.
TEST(Float8, RoundsToNearestAndTiesToEven) {
  for (uint8_t low = 0; low < 0x7e; ++low) {
    const auto high = static_cast<uint8_t>(low + 1);
    const float middle = (from_float8(low) + from_float8(high)) / 2;
    EXPECT_EQ(to_float8(middle), low % 2 == 0 ? low : high);
    EXPECT_EQ(to_float8(std::nextafter(middle, 0.0F)), low);
    EXPECT_EQ(to_float8(std::nextafter(middle, 1e6F)), high);
    EXPECT_EQ(to_float8(-middle), 0x80 | (low % 2 == 0 ? low : high));
  }
}

TEST(Float8, BeyondTheRangeIsTheLargest) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float value : {449.0F, 464.0F, 480.0F, 1e30F, kInfinity}) {
    EXPECT_EQ(to_float8(value), 0x7e);
    EXPECT_EQ(to_float8(-value), 0xfe);
  }
  EXPECT_EQ(to_float8(std::nanf("")), 0x7f);
  EXPECT_EQ(to_float8(1e-30F), 0);
}

// tests/golden/make_additions_golden.py asked ml_dtypes.
TEST(Float8, AgreesWithAnIndependentTable) {
  const auto golden = nlohmann::json::parse(read_file(GOLDEN_DIR "/additions.json"))["float8"];
  for (size_t code = 0; code < 256; ++code) {
    const float value = from_float8(static_cast<uint8_t>(code));
    if (golden["decoded"][code].is_null())
      EXPECT_TRUE(std::isnan(value)) << code;
    else
      EXPECT_EQ(value, golden["decoded"][code].get<float>()) << code;
  }
  for (size_t i = 0; i < golden["numbers"].size(); ++i) {
    const auto number = golden["numbers"][i].get<float>();
    EXPECT_EQ(to_float8(number), golden["codes"][i].get<int>()) << number;
  }
}

}  // namespace
}  // namespace reprise
