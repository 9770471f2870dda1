// predictions.h's scores as tensor expressions, for logits that lie on a device: a few numbers a
// row come to the host instead of its logits.
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise {

/// logits_NV fp32, targets_N int64 on the same device -> fp64 [4, N] there: nats of the target,
/// entropy in nats, margin, and 1 where the most likely token is the target. Sums are fp64.
at::Tensor score_rows(const at::Tensor& logits_NV, const at::Tensor& targets_N);

}  // namespace reprise
