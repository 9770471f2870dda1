// Which experts a row goes to. A router gives every row a logit for each of X experts, in S sets
// (the heads of a projection; 1 for an MLP); of each set the row takes the K experts with the
// largest logits, by the weights sigmoid(logit). Csordas et al., "Approximating two-layer
// feedforward networks for efficient transformers" (sigma-MoE), arXiv:2310.10837, section 4.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace reprise {

/// Groups are filled up to a multiple of this many slots. Of other numbers of rows, libraries add
/// up the last ones in another order (MKL in fp32: of up to 11 rows, in fp64 of any number that is
/// no multiple of four). Filled up, and with rows of a multiple of eight channels, a row's result
/// depends neither on how many others took its expert nor on its place among them, and so not on
/// what stands behind it in the text.
inline constexpr int64_t kGroupSlots = 16;

struct Routing {
  int64_t slots() const { return offsets.back(); }

  /// Each choice's slot when all choices are sorted by expert: those of expert x of set s come
  /// first in [offsets[x S + s], offsets[x S + s + 1]), in the order of their rows. int64.
  at::Tensor slots_MSK;
  at::Tensor weights_MSK;  ///< with a graph
  at::Tensor chosen_MSK;   ///< experts, int64
  std::vector<int64_t> offsets;
};

/// logits_MSX in fp32 (fp64). On a GPU the host waits for the number of rows of each expert.
Routing route(const at::Tensor& logits_MSX, int64_t top_k);

/// What a router decided, for who balances or counts the load of experts.
struct RouterUse {
  int64_t layer = 0;
  std::string place;      ///< "mlp", "value" or "output"
  at::Tensor logits_MSX;  ///< with a graph
  at::Tensor chosen_MSK;
};
using RouterLog = std::vector<RouterUse>;

}  // namespace reprise
