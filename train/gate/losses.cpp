#include "train/gate/losses.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/error.h"

namespace reprise {

namespace {

/// What a score is compared with: without a graph, in the score's type.
at::Tensor clipped(const at::Tensor& gains, double clip_nats, const at::Tensor& scores) {
  return gains.detach().to(scores.scalar_type()).clamp(-clip_nats, clip_nats);
}

}  // namespace

at::Tensor gain_labels(const at::Tensor& first, const at::Tensor& later, double delta) {
  return (first - later).gt(delta).to(first.scalar_type());
}

at::Tensor soft_gain_labels(const at::Tensor& first, const at::Tensor& later,
                            const SoftGain& soft) {
  return at::sigmoid((first - later - soft.delta) / soft.temperature).detach();
}

double positive_weight(double positive_share) { return (1 - positive_share) / positive_share; }

at::Tensor weighted_cross_entropy(const at::Tensor& scores, const at::Tensor& labels,
                                  double positive_weight) {
  const at::Tensor weight = at::full({}, positive_weight, scores.options().requires_grad(false));
  return at::binary_cross_entropy_with_logits(scores, labels.detach().to(scores.scalar_type()),
                                              /*weight=*/{}, weight, at::Reduction::Sum);
}

at::Tensor squared_gain_loss(const at::Tensor& scores, const at::Tensor& gains, double clip_nats) {
  return (scores - clipped(gains, clip_nats, scores)).square().sum() / 2;
}

at::Tensor huber_gain_loss(const at::Tensor& scores, const at::Tensor& gains, double clip_nats,
                           double huber_nats) {
  return at::huber_loss(scores, clipped(gains, clip_nats, scores), at::Reduction::Sum, huber_nats);
}

at::Tensor pairwise_ranking(const at::Tensor& scores_BT, const at::Tensor& gains_BT,
                            std::span<const int64_t> shifts, double delta_nats) {
  require(scores_BT.size(0) == std::ssize(shifts), ExitCode::kFailure, shifts.size(),
          " shifts for ", scores_BT.size(0), " sequences");
  at::Tensor sum = at::zeros({}, scores_BT.options());
  for (int64_t b = 0; b < scores_BT.size(0); ++b) {
    const int64_t shift = shifts[static_cast<size_t>(b)];
    const auto lead = [&](const at::Tensor& of_T) { return of_T - of_T.roll(-shift); };
    const at::Tensor gain_T = lead(gains_BT[b].detach());
    const at::Tensor counts_T = gain_T.abs().gt(delta_nats).to(scores_BT.scalar_type());
    sum = sum + (counts_T * at::softplus(-gain_T.sign() * lead(scores_BT[b]))).sum();
  }
  return sum;
}

at::Tensor share_penalty(const at::Tensor& open_BT, double target_share) {
  return (open_BT.mean(1) - target_share).square().sum() * open_BT.size(1);
}

double next_multiplier(double multiplier, double mean_open, double target_share, double rate) {
  return std::max(0.0, multiplier + rate * (mean_open - target_share));
}

}  // namespace reprise
