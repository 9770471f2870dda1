// A policy in options: how it decides (`kind`), in runs of which length, and under which caps.
#pragma once

#include <cstdint>
#include <memory>

#include "base/options.h"
#include "eval/gates/policy.h"

namespace reprise {

enum class PolicyKind { kThreshold, kRunningQuantile, kPickMost };
template <>
struct EnumNames<PolicyKind> {
  static constexpr std::array names{std::pair{PolicyKind::kThreshold, "threshold"},
                                    std::pair{PolicyKind::kRunningQuantile, "running-quantile"},
                                    std::pair{PolicyKind::kPickMost, "pick-most"}};
};

struct PolicyOptions {
  PolicyKind kind = PolicyKind::kThreshold;
  double budget = 0.1;
  double step = 0.01;
  int64_t segment = 1;
  double burst = 0, refill = 0;
  int64_t cap = 0;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("kind", kind, "",
          "threshold of held-out text, one that follows the document from there, or (training "
          "alone) the largest of the batch");
    field("budget", budget, "share",
          "of predictions to refine; `reprise curves` takes its own budgets");
    field("step", step, "units of the score",
          "by which running-quantile moves its threshold at each decision");
    field("segment", segment, "tokens", "length of the runs decided by their first position");
    field("burst", burst, "tokens", "most that a full bucket pays for; 0: no bucket");
    field("refill", refill, "tokens a token",
          "what the bucket gets at each prediction; 0: the budget");
    field("cap", cap, "tokens", "most that are refined of a document; 0: no cap");
  }
};

/// Throws kUsage for what cannot be meant.
void validate(const PolicyOptions& options);

/// Validates; `threshold` is the one fitted to the budget on held-out scores (thresholds.h).
/// Segments lie around the kind, the bucket around both, the cap around all.
std::unique_ptr<RefinementPolicy> make_policy(const PolicyOptions& options, float threshold);

}  // namespace reprise
