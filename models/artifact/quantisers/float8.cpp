#include "models/artifact/quantisers/float8.h"

#include <bit>
#include <cmath>

namespace reprise {

uint8_t to_float8(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint8_t>(bits >> 24 & 0x80u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7fu;
  if (magnitude >= std::bit_cast<uint32_t>(kLargestFloat8)) return sign | 0x7eu;
  if (magnitude < 0x3c800000u) {
    // Below 2^-6 codes are multiples of 2^-9, the unit of floats in [2^14, 2^15): that addition
    // rounds as it should.
    const float shifted = std::bit_cast<float>(magnitude) + 0x1p14F;
    return static_cast<uint8_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x46800000u));
  }
  const uint32_t odd = magnitude >> 20 & 1u;
  const uint32_t rounded = magnitude + 0x7ffffu + odd;  // a carry runs into the exponent, rightly
  return static_cast<uint8_t>(sign | ((rounded - (120u << 23)) >> 20));
}

float from_float8(uint8_t code) {
  const int exponent = code >> 3 & 0xf, fraction = code & 7;
  const float sign = code & 0x80 ? -1.0F : 1.0F;
  if ((code & 0x7f) == 0x7f) return std::copysign(std::nanf(""), sign);
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -9);
  return sign * std::ldexp(static_cast<float>(8 + fraction), exponent - 10);
}

}  // namespace reprise
