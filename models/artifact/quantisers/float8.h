// Eight-bit floating point E4M3 without infinities, by hand: a sign, four bits of exponent (bias
// 7), three of fraction; 0x7f and 0xff are NaN. Open Compute Project, "OCP 8-bit Floating Point
// Specification (OFP8)", 2023; Micikevicius et al., "FP8 Formats for Deep Learning",
// arXiv:2209.05433, table 1.
#pragma once

#include <cstdint>

namespace reprise {

inline constexpr float kLargestFloat8 = 448;

/// Round to nearest, ties to even. Beyond the range: the largest of that sign; NaN stays NaN.
uint8_t to_float8(float value);
float from_float8(uint8_t code);  ///< exact

}  // namespace reprise
