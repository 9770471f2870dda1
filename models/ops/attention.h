// Grouped-query attention: softmax(q k^T / sqrt(E)) v over the keys a query sees (sight.h), where
// query head h reads key/value head h / (H/G).
#pragma once

#include <ATen/core/Tensor.h>

#include "models/ops/sight.h"

namespace reprise::ops {

/// Keys and values of N packed rows, as attention reads them: normalised and rotated.
struct KeyRows {
  at::Tensor keys_NGE, values_NGE;
};

/// What attention gives, and log sum exp(q k^T / sqrt(E)) over the keys seen: with it, what was
/// attended to in parts becomes one.
struct Attended {
  at::Tensor mixed_MC;     ///< C = H E
  at::Tensor log_sums_MH;  ///< fp32 (fp64 for fp64)
};

/// [M, H, E] -> [M, H E]. No query pays for another, nor for keys behind what it sees.
at::Tensor attention(const at::Tensor& queries_MHE, const KeyRows& rows, const Sight& sight);
/// The same with its sums; differentiable in both.
Attended attend(const at::Tensor& queries_MHE, const KeyRows& rows, const Sight& sight);

/// Attention over the keys of both, none of which is in the two at once: with l the logarithms of
/// their sums, the second has the share sigmoid(l_second - l_first). As partial results are joined
/// in Milakov and Gimelshein, "Online normalizer calculation for softmax", arXiv:1805.02867.
at::Tensor join(const Attended& first, const Attended& second);

}  // namespace reprise::ops
