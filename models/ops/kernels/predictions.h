// What rows of logits say as distributions over the vocabulary, and what pairs of them say of one
// another. Logits are read where they lie, twice a row, and stay in a cache of the core between;
// the widest intermediate is a vector register.
//
// Exponentials are fp32, of logits minus the row's largest; their sums are fp64.
#pragma once

#include "models/ops/kernels/number.h"

namespace reprise::ops {

/// A row of logits as a distribution. Not finite where the logits are not.
struct RowPrediction {
  double log_mass;       ///< log sum exp(logit - top), at least 0
  double entropy;        ///< nats, at least 0
  double first, second;  ///< the largest probabilities; second is 0 in a vocabulary of one token
  float top;             ///< the largest logit
  int32_t most_likely;   ///< the lowest token that has it
};

/// Rows of `vocab`, at least 1.
struct PredictKernel {
  const float* logits;
  RowPrediction* rows;
  int64_t vocab;
};

/// What PredictKernel read and gave.
struct PredictedRows {
  const float* logits;
  const RowPrediction* rows;
};
struct CompareKernel {
  PredictedRows p, q, r;
  double* divergence;  ///< KL(p | q), nats, at least 0
  double* variation;   ///< total variation between p and r
  int64_t vocab;
};

struct PredictionKernels {
  void (*predict)(PredictKernel, Rows);
  void (*compare)(CompareKernel, Rows);
};

/// Those of the best instruction set that this machine and ATEN_CPU_CAPABILITY allow.
const PredictionKernels& prediction_kernels();

}  // namespace reprise::ops
