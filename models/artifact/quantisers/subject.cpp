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

}  // namespace reprise
