#include "train/halting_losses.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/error.h"

namespace reprise {

at::Tensor expected_nats(const at::Tensor& log_p, std::span<const at::Tensor> nats_per_pass) {
  require(log_p.size(0) == std::ssize(nats_per_pass), ExitCode::kFailure, "probabilities of ",
          log_p.size(0), " passes for the losses of ", nats_per_pass.size());
  at::Tensor sum;
  for (int64_t row = 0; row < log_p.size(0); ++row) {
    const at::Tensor& nats = nats_per_pass[static_cast<size_t>(row)];
    const at::Tensor part = log_p[row].exp().view_as(nats) * nats;
    sum = sum.defined() ? sum + part : part;
  }
  return sum;
}

at::Tensor prior_divergence(const at::Tensor& log_p, double rate) {
  const double score = std::log(rate) - std::log1p(-rate);
  const at::Tensor prior =
      log_exit_probabilities(at::full({log_p.size(0) - 1, 1}, score, log_p.options()));
  return (log_p.exp() * (log_p - prior)).sum();
}

at::Tensor halting_entropy(const at::Tensor& log_p) { return -(log_p.exp() * log_p).sum(); }

at::Tensor ponder_cost(const Pondering& pondering, int64_t floor) {
  return (pondering.halted_M + floor + pondering.remainder_M).sum();
}

at::Tensor expected_passes(const at::Tensor& weights, int64_t floor) {
  const at::Tensor passes = at::arange(floor, floor + weights.size(0), weights.options());
  return (passes.unsqueeze(-1) * weights.flatten(1)).sum();
}

}  // namespace reprise
