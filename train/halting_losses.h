// (10) The losses of halting as functions of values. log_p [Q + 1, ...] are the log-probabilities
// to halt at the passes from the floor on (models/halting.h), one column a token; sums are over the
// tokens at hand, as in losses.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "models/halting.h"

namespace reprise {

/// sum_t p_t L_t of each token, in the shape of each L_t, of which there are Q + 1: Banino et al.,
/// "PonderNet", arXiv:2107.05407; Zhu et al. (Ouro), arXiv:2510.25741.
at::Tensor expected_nats(const at::Tensor& log_p, std::span<const at::Tensor> nats_per_pass);

/// sum_i KL(p_i || q) in nats; q is geometric with `rate` and its last pass takes the rest, so that
/// a head which gives lambda_t = rate pays nothing. PonderNet's regularisation.
at::Tensor prior_divergence(const at::Tensor& log_p, double rate);

/// sum_i H(p_i) in nats, which Ouro's loss rewards: a KL to the uniform prior but for a constant.
at::Tensor halting_entropy(const at::Tensor& log_p);

/// sum_i (N_i + R_i), passes before the floor counted in N; only R has a gradient. Graves,
/// "Adaptive computation time", arXiv:1603.08983.
at::Tensor ponder_cost(const Pondering& pondering, int64_t floor);

/// sum_i sum_t t p_t,i: passes that are read out, counted from 1. `weights` [Q + 1, ...] are p.
at::Tensor expected_passes(const at::Tensor& weights, int64_t floor);

}  // namespace reprise
