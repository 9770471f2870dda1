// Rows on their way to experts and back. A routing gives each of R rows J slots among N, all
// distinct, so that the rows of one expert lie together; `spread` copies each row to its slots,
// `combine` adds what lies in them up again, by weight. Without weights each is the other's
// gradient.
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::ops {

/// x_RC, slots_RJ int64 -> packed [N, C]: packed[slots[r, j]] = x[r], and 0 in slots of no row.
at::Tensor spread(const at::Tensor& x_RC, const at::Tensor& slots_RJ, int64_t slots);

/// packed [N, C], weights_RJ fp32 (fp64 for fp64) -> [R, C]: sum_j weights[r, j] *
/// packed[slots[r, j]], summed in the weights' type.
at::Tensor combine(const at::Tensor& packed_NC, const at::Tensor& slots_RJ,
                   const at::Tensor& weights_RJ);

}  // namespace reprise::ops
