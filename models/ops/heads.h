// From a projection to what attention reads: split into heads, normalise queries and keys (QK-norm,
// Henry et al. 2020), rotate them by position (RoPE, Su et al. 2021), scale queries by their head's
// gain.
//
// RoPE turns channel pairs (i, i + R/2), i < R/2, of the first R channels of a head by position *
// base^(-2i/R).
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::ops {

/// Cosines and sines of every position and pair, in fp32 (fp64 for fp64); computed in double
/// precision.
struct RotaryTable {
  at::Tensor cos_TR, sin_TR;  ///< [context, R/2]
  int64_t head_width = 0;
};

struct RotaryShape {
  int64_t context = 0;
  int64_t head_width = 0;
  double share = 1, base = 10000;  ///< R = share * head_width, rounded to an even number
};
RotaryTable make_rotary_table(const RotaryShape& shape, const at::TensorOptions& options);

struct Heads {
  at::Tensor queries_BHTE, keys_BGTE, values_BGTE;
};

/// projected_BTC holds, per position, H query heads, G key heads and G value heads: C = (H + 2G) E.
/// H is gain's length.
Heads split_heads(const at::Tensor& projected_BTC, const at::Tensor& gain_H,
                  const RotaryTable& rotary);

/// The queries alone, of every position: [B, T, D] -> [B, H, T, E].
at::Tensor split_queries(const at::Tensor& projected_BTD, const at::Tensor& gain_H,
                         const RotaryTable& rotary);

/// The queries alone, of packed rows that stand at `positions`: [M, D] -> [M, H, E].
at::Tensor split_packed_queries(const at::Tensor& projected_MD, const at::Tensor& gain_H,
                                const RotaryTable& rotary, const at::Tensor& positions_M);

}  // namespace reprise::ops
