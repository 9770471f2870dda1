// What a gate head learns: a target (11 a to e), and a budget on how far it opens (12). All are
// sums over the tokens of the batch, which the step divides once by the tokens of all ranks.
#pragma once

#include "base/options.h"
#include "train/gate/samples.h"

namespace reprise {

enum class GateTarget { kMismatch, kGain, kAnyLaterGain, kSoftGain, kRegression };
template <>
struct EnumNames<GateTarget> {
  static constexpr std::array names{std::pair{GateTarget::kMismatch, "mismatch"},
                                    std::pair{GateTarget::kGain, "gain"},
                                    std::pair{GateTarget::kAnyLaterGain, "any-later-gain"},
                                    std::pair{GateTarget::kSoftGain, "soft-gain"},
                                    std::pair{GateTarget::kRegression, "regression"}};
};

enum class GainRegression { kSquared, kHuber };
template <>
struct EnumNames<GainRegression> {
  static constexpr std::array names{std::pair{GainRegression::kSquared, "squared"},
                                    std::pair{GainRegression::kHuber, "huber"}};
};

enum class GateBudget { kNone, kPenalty, kDual };
template <>
struct EnumNames<GateBudget> {
  static constexpr std::array names{std::pair{GateBudget::kNone, "none"},
                                    std::pair{GateBudget::kPenalty, "penalty"},
                                    std::pair{GateBudget::kDual, "dual"}};
};

struct GateObjectiveOptions {
  GateTarget target = GateTarget::kGain;
  double delta = 0.1, temperature = 0.2, positive_share = 0;
  GainRegression regression = GainRegression::kHuber;
  double clip = 2, huber = 0.5, ranking = 1;
  GateBudget budget = GateBudget::kNone;
  double target_share = 0.1, budget_weight = 1, dual_rate = 0.05;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("target", target, "",
          "what the head predicts: mismatch: the coarse prediction is wrong; gain: the refinement "
          "pass saves more than delta; any-later-gain: it or a later base pass does; soft-gain: a "
          "probability of that; regression: the gain itself, and which of two is larger");
    field("delta", delta, "nats", "least gain worth a second look");
    field("temperature", temperature, "nats",
          "soft-gain, and budgets under regression: width of the step at delta");
    field("positive-share", positive_share, "share",
          "of positive labels, by which positives are weighted; 0: as in the first step's batch");
    field("regression", regression, "", "regression: loss of the difference to the gain");
    field("clip", clip, "nats", "regression: gains beyond it, either way, count as it");
    field("huber", huber, "nats", "regression, huber: beyond it the loss is linear");
    field("ranking", ranking, "", "regression: weight of the pairwise ranking loss");
    field("budget", budget, "",
          "holds the share of positions the gate opens for to target-share: penalty: a square in "
          "the loss; dual: a multiplier that grows while it opens for more");
    field("target-share", target_share, "share of tokens",
          "to be refined; the budget's aim, and where precision and recall are told");
    field("budget-weight", budget_weight, "", "penalty: its weight");
    field("dual-rate", dual_rate, "per step", "dual: step of the multiplier");
  }
};

/// Throws kUsage.
void validate(const GateObjectiveOptions& options);

/// What the head's training keeps beside weights and moments.
struct GateBalance {
  double positive_share = 0.5;  ///< of labels
  double multiplier = 0;        ///< of the budget `dual`
};

struct GateLoss {
  at::Tensor sum;       ///< over the tokens; the gradient comes from here
  at::Tensor open_BT;   ///< in [0, 1]: how far the gate is open, without a graph
  at::Tensor label_BT;  ///< in [0, 1]
};

/// What training takes as labels: probabilities for soft-gain, else 0 or 1; of a regression those
/// of `gain`.
at::Tensor training_labels(const GateObjectiveOptions& options, const GateSamples& samples);
/// What a trained head is measured by: 0 or 1 whatever the target; of soft-gain those of `gain`.
at::Tensor measured_labels(const GateObjectiveOptions& options, const GateSamples& samples);

/// Of a step; (seed, step) and a sequence's place in the batch of all ranks say which pairs the
/// ranking takes.
struct GateStep {
  uint64_t seed = 0;
  int64_t step = 0;
};

GateLoss gate_loss(const GateObjectiveOptions& options, const GateBalance& balance,
                   const GateSamples& samples, const at::Tensor& scores_BT, const GateStep& at);

}  // namespace reprise
