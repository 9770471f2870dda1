// (9) Weights of the tokens in the primary loss, and the control for them.
#pragma once

#include <ATen/core/Tensor.h>

#include "base/options.h"
#include "base/random.h"

namespace reprise {

enum class TokenWeighting { kNone, kHard, kShuffled };
template <>
struct EnumNames<TokenWeighting> {
  static constexpr std::array names{std::pair{TokenWeighting::kNone, "none"},
                                    std::pair{TokenWeighting::kHard, "hard"},
                                    std::pair{TokenWeighting::kShuffled, "shuffled"}};
};

/// Proportional to the uncertainty of each token's prediction, mean 1 in each sequence: after the
/// hard examples of Shrivastava et al., arXiv:1604.03540, softly. By sequence, so that the weights
/// do not depend on how a batch is split. A sequence without uncertainty has weights 1. No graph.
at::Tensor hard_weights(const at::Tensor& uncertainty_BT);

/// The same weights of each sequence in an order drawn at random: what weighting alone does, where
/// it knows nothing of the tokens. `first_sequence` counts in the batch of all ranks.
at::Tensor shuffled_weights(const at::Tensor& weights_BT, const RandomStream& stream,
                            int64_t first_sequence);

}  // namespace reprise
