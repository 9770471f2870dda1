// Rows of logits as distributions over the vocabulary: the kernels of kernels/predictions.h over a
// whole table, in parallel. Elsewhere than on the CPU: eval/device_predictions.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/ops/kernels/predictions.h"

namespace reprise::ops {

/// logits_NV fp32, contiguous, on the CPU, V at least 1. Throws kFailure for others.
std::vector<RowPrediction> predict_rows(const at::Tensor& logits_NV);

/// One entry per row.
struct Comparisons {
  std::vector<double> divergence;  ///< KL(p | q), nats
  std::vector<double> variation;   ///< total variation between p and r
};

/// A table as predict_rows() takes it, and what it gave.
struct PredictedTable {
  const at::Tensor& logits_NV;
  const std::vector<RowPrediction>& rows;
};

/// Of tables of one shape. Throws kFailure for others.
Comparisons compare_rows(const PredictedTable& p, const PredictedTable& q, const PredictedTable& r);

}  // namespace reprise::ops
