// Ternary weights, scale of the row * -1, 0 or 1 (Li et al., "Ternary weight networks",
// arXiv:1605.04711), five to a byte: 3^5 = 243.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// Bytes of a row of that many weights.
int64_t trit_bytes(int64_t columns);

/// How a row's weights become trits: the sign of what lies beyond the threshold.
inline int8_t ternary_code(float weight, float threshold) {
  return static_cast<int8_t>((weight > threshold) - (weight < -threshold));
}

/// One row; the digits of a byte, least significant first, are 0 for 0, 1 for 1 and 2 for -1. The
/// last byte is filled up with 0.
void append_trits(std::string& stream, std::span<const int8_t> trits);

/// scales: one binary16 a row; codes: rows of trit_bytes(columns). Throws kBadInput for a byte of
/// 243 and more and for a last byte that is not filled up with 0.
std::vector<float> dequantise_ternary(int64_t columns, std::string_view scales,
                                      std::string_view codes);

}  // namespace reprise
