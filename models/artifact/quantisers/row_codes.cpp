#include "models/artifact/quantisers/row_codes.h"

namespace reprise {

std::string row_codes(std::span<const float> weights_RC, std::span<const RowGrid> rows,
                      const Feedback* feedback) {
  std::string codes(weights_RC.size(), '\0');
  const size_t columns = weights_RC.size() / rows.size();
  std::vector<float> inverse;
  for (const RowGrid& row : rows) inverse.push_back(1 / row.scale);
  const auto code = [&](size_t row, size_t column, float weight) {
    const int value = code_of(weight, inverse[row], rows[row].largest);
    codes[row * columns + column] = static_cast<char>(value);
    return rows[row].scale * static_cast<float>(value);
  };
  if (feedback) {
    feedback->round_rows(weights_RC, code);
    return codes;
  }
  for (size_t row = 0; row < rows.size(); ++row)
    for (size_t column = 0; column < columns; ++column)
      code(row, column, weights_RC[row * columns + column]);
  return codes;
}

}  // namespace reprise
