// The scores of predictions.h and signals.h as tensor expressions: what runs where logits lie on a
// device, of which a few numbers a row come to the host instead of its logits, and what the host's
// kernels (models/ops/predictions.h) are tested against.
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise {

/// logits_NV fp32, targets_N int64 on the same device -> fp64 [5, N] there: nats of the target,
/// entropy in nats, margin, largest probability, and 1 where the most likely token is the target.
/// Sums are fp64.
at::Tensor score_rows(const at::Tensor& logits_NV, const at::Tensor& targets_N);

/// Logits fp32 of one shape [N, V] -> fp64 [5, N] there: largest probability of p, KL(p | q) in
/// nats, H(p) - H(q) in nats, 1 where their most likely tokens differ, total variation between p
/// and r.
at::Tensor compare_rows(const at::Tensor& p_NV, const at::Tensor& q_NV, const at::Tensor& r_NV);

}  // namespace reprise
