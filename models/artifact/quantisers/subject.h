// What a quantiser is given: a tensor, and what is known of how much its errors matter.
#pragma once

#include <span>
#include <vector>

#include "models/artifact/quantisers/host_tensor.h"

namespace reprise {

/// The distortion of a tensor is sum_ij rows[i] columns[j] dW_ij^2.
struct Importance {
  std::vector<float> rows, columns;
};

struct Subject {
  const HostTensor& tensor;  ///< outlives the quantiser
  Importance importance;
  /// sum x x^T over what the matrix is multiplied by, [columns, columns], up to a factor; null
  /// where codes are rounded to nearest. Need not outlive the making of the quantiser.
  const std::vector<double>* hessian = nullptr;
  /// Where bits are allocated by a rule: those of each weight beyond the weights with 0.
  double finer_bits = 0;
};

/// The distortion where these values, in the place of the tensor's, are what a reader gets.
double weighted_distortion(const Subject& subject, std::span<const float> values);

/// Every weight's error counts by the inverse of the tensor's mean square: relative to the tensor.
Importance relative_importance(const HostTensor& tensor);

}  // namespace reprise
