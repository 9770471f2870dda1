// The codes of rows whose scales and widths are chosen: each weight to the nearest code, or with
// error feedback.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/artifact/quantisers/feedback.h"

namespace reprise {

/// How one row is coded.
struct RowGrid {
  float scale = 1;
  float largest = 127;  ///< code
};

/// Clipped, then rounded to nearest even.
inline int code_of(float weight, float inverse_scale, float largest) {
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23: what lies behind the point falls off
  const float scaled = weight * inverse_scale;
  const float clipped = scaled > largest ? largest : scaled < -largest ? -largest : scaled;
  return static_cast<int>((clipped + kRounder) - kRounder);
}

/// One signed byte a weight, row-major. `feedback` may be null.
std::string row_codes(std::span<const float> weights_RC, std::span<const RowGrid> rows,
                      const Feedback* feedback);

}  // namespace reprise
