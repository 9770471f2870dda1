// The objectives as functions of values: sums of nats over the tokens at hand. The step divides
// once, by the number of tokens of all ranks, so that the number of ranks and micro-batches does
// not change the gradient. Numbers as in docs/training.md.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "models/uncertainty.h"

namespace reprise {

/// (2) sum_t w_t L_t / sum_t w_t over the passes, each L_t summed over tokens. Deep supervision:
/// Lee et al., "Deeply-supervised nets", AISTATS 2015; over the passes of a looped model, e.g. Bae
/// et al., arXiv:2410.20672. With the weights (0, ..., 0, 1) it is (1), the last pass only. Every
/// tensor has one shape.
at::Tensor deep_supervision(std::span<const at::Tensor> nats_per_pass,
                            std::span<const double> weights);

/// (8) sum_i [(1 - m_i) L1_i + m_i L2_i] + kappa * sum_i L1_i, where m_i = 1 for the rows in
/// `rows_M`, `refined_M` holds their L2 and `coarse` every L1 (any shape; rows count its elements).
/// No gradient flows into the choice of rows. The kappa term keeps the coarse prediction, which the
/// gate reads, from being given up.
at::Tensor gated_refinement(const at::Tensor& coarse, const at::Tensor& refined_M,
                            const at::Tensor& rows_M, double kappa);

/// (5) sum_i [L_t,i - sg(L_{t-1},i) + margin]_+: a pass that predicts worse than the one before it.
/// The hinge between successive steps of Ma et al., "Learning activity progression in LSTMs", CVPR
/// 2016, on losses. One shape; no gradient flows into `earlier`.
at::Tensor monotone(const at::Tensor& earlier, const at::Tensor& later, double margin);

/// (6) sum_i |sg(h_R,i) - h_t,i|^2 / D: an early pass imitates the state of the last. Zhang et al.,
/// "Be your own teacher", arXiv:1905.08094. [..., D]; the mean over channels, so that the term's
/// weight does not depend on the width.
at::Tensor state_distance(const at::Tensor& last, const at::Tensor& early);

/// (6) sum_i KL(sg(p_R,i) || p_t,i) of softmax(logits), in nats: the same for predictions. Hinton
/// et al., arXiv:1503.02531. [..., V].
at::Tensor prediction_distance(const at::Tensor& last_logits, const at::Tensor& early_logits);

/// (13) sum_i (rms(h_t,i) - rms(h_{t-1},i))^2: the norm-stabiliser of Krueger and Memisevic,
/// arXiv:1511.08400, over passes; norms are divided by the root of the width. [..., D].
at::Tensor norm_change(const at::Tensor& earlier, const at::Tensor& later);

enum class PassWeighting { kUniform, kGeometric, kAnnealed };

struct PassWeights {
  PassWeighting weighting = PassWeighting::kUniform;
  double decay = 0.5;  ///< geometric: w_t = decay^(passes - t)
  double anneal_share =
      0.5;  ///< annealed: earlier passes fall from 1 to 0 over this share of training
};

/// Weight of passes 1..passes at `progress` (share of training done), unnormalised; the last is
/// always 1.
std::vector<double> pass_weights(const PassWeights& options, int64_t passes, double progress);

}  // namespace reprise
