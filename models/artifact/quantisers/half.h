// IEEE 754 binary16, by hand: the packer must give the same bits on every machine.
#pragma once

#include <cstdint>

namespace reprise {

inline constexpr float kLargestHalf = 65504;

/// Round to nearest, ties to even. Beyond the range: infinity; NaN stays NaN.
uint16_t to_half(float value);
float from_half(uint16_t half);  ///< exact

}  // namespace reprise
