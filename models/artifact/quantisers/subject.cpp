#include "models/artifact/quantisers/subject.h"

namespace reprise {

Importance relative_importance(const HostTensor& tensor) {
  double squares = 0;
  for (const float value : tensor.values) squares += static_cast<double>(value) * value;
  const double mean_square = squares / static_cast<double>(tensor.values.size());
  const auto rows = static_cast<size_t>(tensor.shape.empty() ? 1 : tensor.shape[0]);
  const float weight = mean_square > 0 ? static_cast<float>(1 / mean_square) : 0;
  return {std::vector<float>(rows, weight), std::vector<float>(tensor.values.size() / rows, 1)};
}

double weighted_distortion(const Subject& subject, std::span<const float> values) {
  const auto& [rows, columns] = subject.importance;
  double sum = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    double row = 0;
    for (size_t j = 0; j < columns.size(); ++j) {
      const size_t at = i * columns.size() + j;
      const double error = static_cast<double>(subject.tensor.values[at]) - values[at];
      row += columns[j] * error * error;
    }
    sum += rows[i] * row;
  }
  return sum;
}

}  // namespace reprise
