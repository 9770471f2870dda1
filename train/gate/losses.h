// Labels, losses and budgets of gate heads as functions of values; objective (11) a to e and (12)
// of docs/gate.md. Losses are sums over the tokens at hand, which the step divides once by the
// tokens of all ranks; what is not linear in a mean is taken per sequence. No gradient flows into
// labels.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace reprise {

/// (b) 1[L1 - L2 > delta]. With the least of several later losses for `later` it is
/// (c) 1[max_t (L1 - L_t) > delta], since the largest gain is that of the least loss. 0 or 1 in the
/// type of `first`. (a) is the mismatch itself, 1[argmax p1 != y], as in Schuster et al.,
/// "Confident adaptive language modeling", arXiv:2207.07061.
at::Tensor gain_labels(const at::Tensor& first, const at::Tensor& later, double delta);

struct SoftGain {
  double delta = 0;        ///< nats
  double temperature = 1;  ///< nats
};

/// (d) sigmoid((L1 - L2 - delta) / temperature): a label that is a probability. As the temperature
/// goes to 0, it is (b).
at::Tensor soft_gain_labels(const at::Tensor& first, const at::Tensor& later, const SoftGain& soft);

/// (1 - rho) / rho, with which positives, of share rho in (0, 1), weigh as much as negatives
/// together (King and Zeng, "Logistic regression in rare events data", Political Analysis 2001).
double positive_weight(double positive_share);

/// -sum_i [w y_i log sigmoid(s_i) + (1 - y_i) log(1 - sigmoid(s_i))]: binary cross-entropy; labels
/// lie in [0, 1].
at::Tensor weighted_cross_entropy(const at::Tensor& scores, const at::Tensor& labels,
                                  double positive_weight);

/// (e) sum_i f(s_i - clip(g_i, -clip, clip)) with f(r) = r^2 / 2. `g` are gains in nats.
at::Tensor squared_gain_loss(const at::Tensor& scores, const at::Tensor& gains, double clip_nats);

/// (e) The same with f(r) = r^2 / 2 where |r| <= k, and k (|r| - k / 2) beyond: Huber, "Robust
/// estimation of a location parameter", Annals of Mathematical Statistics 1964.
at::Tensor huber_gain_loss(const at::Tensor& scores, const at::Tensor& gains, double clip_nats,
                           double huber_nats);

/// (e) sum over pairs of log(1 + exp(-(s_i - s_j))), g_i > g_j + delta: RankNet (Burges et al.,
/// "Learning to rank using gradient descent", ICML 2005). Position t of sequence b is paired with
/// t + shifts[b], cyclically, shifts in [1, T): T pairs a sequence, all within it, so that they do
/// not depend on how sequences are split over ranks. Pairs whose gains differ by no more than delta
/// count 0.
at::Tensor pairwise_ranking(const at::Tensor& scores_BT, const at::Tensor& gains_BT,
                            std::span<const int64_t> shifts, double delta_nats);

/// (12) sum_b T (mean_t m_bt - rho)^2, with m in [0, 1] how far the gate is open and rho the share
/// of positions it shall refine: Bengio et al., "Conditional computation in neural networks for
/// faster models", arXiv:1511.06297, section 3.2, per sequence.
at::Tensor share_penalty(const at::Tensor& open_BT, double target_share);

/// (12) max(0, mu + rate (mean m - rho)): projected dual ascent on the multiplier of the constraint
/// mean m <= rho, whose Lagrangian adds mu (mean m - rho) to the loss (Boyd et al., "Distributed
/// optimization and statistical learning via ADMM", 2011, section 2.1).
double next_multiplier(double multiplier, double mean_open, double target_share, double rate);

}  // namespace reprise
