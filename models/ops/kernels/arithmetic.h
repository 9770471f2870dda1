// Conversions and functions that the compiler can vectorise, for kernel files only. They lie in the
// instruction set's own namespace, so that the linker never merges two compilations of them.
#pragma once

#include "models/ops/kernels/number.h"

namespace reprise::ops::REPRISE_ISA {

inline float widen(Bf16 x) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(x.bits) << 16);
}
inline float widen(float x) { return x; }
inline double widen(double x) { return x; }

template <class T>
T narrow(Wide<T> x) {
  if constexpr (std::is_same_v<T, Bf16>) {
    const auto bits = __builtin_bit_cast(uint32_t, x);
    const uint32_t rounded = bits + 0x7FFF + ((bits >> 16) & 1);  // to nearest, ties to even
    return {static_cast<uint16_t>((x == x ? rounded : 0x7FC00000) >> 16)};
  } else {
    return x;
  }
}

/// e^x within 2 units in the last place for x in [-87, 88], and the value at the nearer end
/// outside.
inline float exp(float x) {
  constexpr float kLog2E = 1.44269504F, kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  constexpr float kRounder = 12582912.F;  // 1.5 * 2^23: adding it leaves an integer in the low bits
  x = x < -87.F ? -87.F : x;
  x = x > 88.F ? 88.F : x;
  const float shifted = x * kLog2E + kRounder;
  const float whole = shifted - kRounder;
  const float rest = (x - whole * kLn2High) - whole * kLn2Low;  // in [-ln2 / 2, ln2 / 2]
  // The Taylor series to the seventh power: its first missing term is below 1e-8 here.
  float power = 1.F / 5040;
  power = power * rest + 1.F / 720;
  power = power * rest + 1.F / 120;
  power = power * rest + 1.F / 24;
  power = power * rest + 1.F / 6;
  power = power * rest + 0.5F;
  power = power * rest * rest + rest + 1;
  const auto exponent =
      __builtin_bit_cast(int32_t, shifted) - __builtin_bit_cast(int32_t, kRounder);
  return power * __builtin_bit_cast(float, (exponent + 127) << 23);
}
inline double exp(double x) { return __builtin_exp(x); }

/// Odd, and accurate relative to its value: a series near zero, where 1 - 2 / (e^2x + 1) cancels.
/// NaN stays NaN, so that a broken weight shows in the loss.
inline float tanh(float x) {
  const float size = __builtin_fabsf(x), square = x * x;
  const float decay = exp(-2 * (size > 20.F ? 20.F : size));
  const float far = (1 - decay) / (1 + decay);
  // x - x^3/3 + 2x^5/15 - 17x^7/315 + 62x^9/2835 - 1382x^11/155925: below 1e-7 off at 0.35.
  float series = -1382.F / 155925;
  series = series * square + 62.F / 2835;
  series = series * square - 17.F / 315;
  series = series * square + 2.F / 15;
  series = series * square - 1.F / 3;
  series = series * square * size + size;
  return __builtin_copysignf(size < 0.35F ? series : far, x);
}
inline double tanh(double x) { return __builtin_tanh(x); }

inline float log(float x) { return __builtin_logf(x); }
inline double log(double x) { return __builtin_log(x); }

inline float root(float x) { return __builtin_sqrtf(x); }
inline double root(double x) { return __builtin_sqrt(x); }

}  // namespace reprise::ops::REPRISE_ISA
