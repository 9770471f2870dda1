// Causal grouped-query attention: softmax(q k^T / sqrt(E)) v, where a query at position t sees keys
// 0..t and query head h reads key/value head h / (H/G).
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::ops {

/// Every position: -> [B, T, H E].
at::Tensor attention(const at::Tensor& queries_BHTE, const at::Tensor& keys_BGTE,
                     const at::Tensor& values_BGTE);

/// Packed rows: row m stands at position rows[m] % T of sequence rows[m] / T and sees that
/// sequence's keys up to itself. rows_M is sorted, int64, on the CPU or the tensors' device. -> [M,
/// H E].
at::Tensor packed_attention(const at::Tensor& queries_MHE, const at::Tensor& keys_BGTE,
                            const at::Tensor& values_BGTE, const at::Tensor& rows_M);

}  // namespace reprise::ops
