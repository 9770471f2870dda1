#include "train/gate/objective.h"

#include <ATen/ATen.h>

#include "base/random.h"
#include "train/gate/losses.h"

namespace reprise {
namespace {

// fp32 holds the sums of a batch times these.
constexpr double kLargest = 1e6, kLeastNats = 1e-6;

void within(double value, double least, double most, const char* name) {
  require(least <= value && value <= most, ExitCode::kUsage, "gate.", name, " is ", value,
          "; it must be from ", least, " to ", most);
}

at::Tensor regression_loss(const GateObjectiveOptions& options, const GateSamples& samples,
                           const at::Tensor& scores_BT, const GateStep& at) {
  const at::Tensor gains_BT = samples.first_BT - samples.second_BT;
  at::Tensor sum = options.regression == GainRegression::kHuber
                       ? huber_gain_loss(scores_BT, gains_BT, options.clip, options.huber)
                       : squared_gain_loss(scores_BT, gains_BT, options.clip);
  if (options.ranking == 0) return sum;
  const RandomStream stream(at.seed, Purpose::kGatePairs, static_cast<uint32_t>(at.step));
  std::vector<int64_t> shifts;
  for (int64_t b = 0; b < scores_BT.size(0); ++b) {
    const auto sequence = static_cast<uint64_t>(samples.first_sequence + b);
    const auto others = static_cast<uint64_t>(scores_BT.size(1) - 1);
    shifts.push_back(1 + static_cast<int64_t>(stream.below(sequence, others)));
  }
  return sum + options.ranking * pairwise_ranking(scores_BT, gains_BT, shifts, options.delta);
}

/// The score of a regression is a gain: it opens the gate as (d) labels one.
at::Tensor opening(const GateObjectiveOptions& options, const at::Tensor& scores_BT) {
  if (options.target != GateTarget::kRegression) return at::sigmoid(scores_BT);
  return at::sigmoid((scores_BT - options.delta) / options.temperature);
}

}  // namespace

void validate(const GateObjectiveOptions& options) {
  within(options.delta, 0, kLargest, "delta");
  within(options.temperature, kLeastNats, kLargest, "temperature");
  require(0 <= options.positive_share && options.positive_share < 1, ExitCode::kUsage,
          "gate.positive-share is ", options.positive_share,
          "; it lies in (0, 1), and 0 measures it");
  within(options.clip, kLeastNats, kLargest, "clip");
  within(options.huber, kLeastNats, kLargest, "huber");
  within(options.ranking, 0, kLargest, "ranking");
  require(0 < options.target_share && options.target_share < 1, ExitCode::kUsage,
          "gate.target-share is ", options.target_share, "; it lies in (0, 1)");
  within(options.budget_weight, 0, kLargest, "budget-weight");
  within(options.dual_rate, 0, kLargest, "dual-rate");
}

at::Tensor training_labels(const GateObjectiveOptions& options, const GateSamples& samples) {
  if (options.target == GateTarget::kSoftGain)
    return soft_gain_labels(samples.first_BT, samples.second_BT,
                            {options.delta, options.temperature});
  return measured_labels(options, samples);
}

at::Tensor measured_labels(const GateObjectiveOptions& options, const GateSamples& samples) {
  if (options.target == GateTarget::kMismatch) return samples.wrong_BT;
  const bool any_later = options.target == GateTarget::kAnyLaterGain;
  return gain_labels(samples.first_BT, any_later ? samples.best_BT : samples.second_BT,
                     options.delta);
}

GateLoss gate_loss(const GateObjectiveOptions& options, const GateBalance& balance,
                   const GateSamples& samples, const at::Tensor& scores_BT, const GateStep& at) {
  GateLoss loss;
  loss.label_BT = training_labels(options, samples);
  loss.sum = options.target == GateTarget::kRegression
                 ? regression_loss(options, samples, scores_BT, at)
                 : weighted_cross_entropy(scores_BT, loss.label_BT,
                                          positive_weight(balance.positive_share));
  const at::Tensor open_BT = opening(options, scores_BT);
  if (options.budget == GateBudget::kPenalty)
    loss.sum = loss.sum + options.budget_weight * share_penalty(open_BT, options.target_share);
  if (options.budget == GateBudget::kDual) loss.sum = loss.sum + balance.multiplier * open_BT.sum();
  loss.open_BT = open_BT.detach();
  return loss;
}

}  // namespace reprise
