// Causal grouped-query attention: softmax(q k^T / sqrt(E)) v, where a query at position t sees keys
// 0..t of its sequence and query head h reads key/value head h / (H/G).
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::ops {

/// Row m stands at position rows[m] % T of sequence rows[m] / T; rows_M is ascending and distinct,
/// int64. All of 0 .. B*T-1 is ordinary attention, fewer the packed rows of a refinement pass. No
/// row pays for another. -> [M, H E].
at::Tensor attention(const at::Tensor& queries_MHE, const at::Tensor& keys_BGTE,
                     const at::Tensor& values_BGTE, const at::Tensor& rows_M);

}  // namespace reprise::ops
