// From a projection to what attention reads: split into heads, normalise queries and keys (QK-norm,
// Henry et al. 2020), rotate them by position (RoPE, Su et al. 2021), scale queries by their head's
// gain.
//
// RoPE turns channels (i, i + R/2), i < R/2, of a head by the angle position * base^(-2i/R).
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::ops {

/// Cosines and sines of every position and pair, in fp32 (fp64 for fp64); computed in fp64.
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
  at::Tensor queries_MHE, keys_MGE, values_MGE;
};

/// projected_MC holds, per row, H query heads, G key heads and G value heads: C = (H + 2G) E, where
/// G may be 0. H is gain's length. Row m stands at position positions[m] of its sequence.
Heads split_heads(const at::Tensor& projected_MC, const at::Tensor& gain_H,
                  const RotaryTable& rotary, const at::Tensor& positions_M);

}  // namespace reprise::ops
