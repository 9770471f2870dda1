// Root-mean-square normalisation over the last dimension, without a weight (Zhang and Sennrich,
// 2019).
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::ops {

/// x / sqrt(mean(x^2) + kNormEpsilon) over the last dimension; the mean is taken in fp32 (fp64 for
/// fp64).
at::Tensor rms_norm(const at::Tensor& x);

}  // namespace reprise::ops
