// The head's loss over a chunk of rows as tensor expressions, for devices without kernels of ours.
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::ops {

/// Nats of each target, and log sum exp of each row's capped logits.
struct RowLosses {
  at::Tensor nats_N, log_sums_N;
};

/// raw_NV: logits before the cap, any type; targets_N int64. Computed in fp32 (fp64 for fp64).
RowLosses losses_of_rows(const at::Tensor& raw_NV, const at::Tensor& targets_N, double softcap);

/// What losses_of_rows() takes and gave, and the gradient of its nats.
struct RowLossGradients {
  at::Tensor raw_NV, targets_N, log_sums_N, grad_nats_N;
  double softcap = 0;
};

/// The gradient with respect to raw_NV, in its type:
/// g (softmax(capped) - onehot(target)) (1 - tanh^2(raw / softcap)).
at::Tensor slopes_of_rows(const RowLossGradients& given);

}  // namespace reprise::ops
