#include "models/artifact/quantisers/scales.h"

#include <algorithm>
#include <cmath>

#include "models/artifact/quantisers/half.h"

namespace reprise {

uint16_t nearest_rung(double value, double rungs) {
  if (value <= 0) return 0;
  const double rung = std::exp2(std::round(rungs * std::log2(value)) / rungs);
  return to_half(static_cast<float>(std::min<double>(rung, kLargestHalf)));
}

float inverse_scale(uint16_t scale) { return scale == 0 ? 0 : 1 / from_half(scale); }

std::vector<double> row_rms(std::span<const float> values, size_t rows) {
  const size_t columns = values.size() / rows;
  std::vector<double> result(rows);
  for (size_t row = 0; row < rows; ++row) {
    double squares = 0;
    for (const float value : values.subspan(row * columns, columns))
      squares += static_cast<double>(value) * value;
    result[row] = std::sqrt(squares / static_cast<double>(columns));
  }
  return result;
}

}  // namespace reprise
