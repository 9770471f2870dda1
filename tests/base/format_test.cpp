#include "base/format.h"

#include <gtest/gtest.h>

#include "base/units.h"
#include "eval/bits_per_byte.h"

namespace reprise {
namespace {

TEST(Format, JoinsAndRounds) {
  EXPECT_EQ(concat("a", 1, 'c', 2.5), "a1c2.5");
  EXPECT_EQ(fixed(1.25, 1), "1.2");
  EXPECT_EQ(fixed(-0.004, 3), "-0.004");
}

TEST(Units, BitsPerByteByHand) {
  // 8 coin flips over 4 bytes of text are 2 bits a byte.
  EXPECT_DOUBLE_EQ(bits_per_byte(Nats{8 * 0.6931471805599453}, Bytes{4}), 2.0);
}

}  // namespace
}  // namespace reprise
