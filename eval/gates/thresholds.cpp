#include "eval/gates/thresholds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "eval/gates/sorted_scores.h"

namespace reprise {
namespace {

/// The threshold above which the `level` largest lie, less those that tie with the next.
float threshold_at(const SortedScores& scores, size_t level) {
  if (level >= scores.size()) return kRefineAll;
  const float next = scores.at(level);
  // kRefineAll would let everything through: the least number keeps NaN and it out.
  return next > kRefineAll ? next : std::numeric_limits<float>::lowest();
}

/// How many positions have a joint level up to q, for q = 0, 1, ..., n.
std::vector<size_t> count_up_to(const std::vector<SortedScores>& terms, Join join) {
  std::vector<uint32_t> joint = terms[0].levels();
  for (size_t t = 1; t < terms.size(); ++t) {
    const std::vector<uint32_t> levels = terms[t].levels();
    for (size_t i = 0; i < joint.size(); ++i)
      joint[i] = join == Join::kAll ? std::max(joint[i], levels[i]) : std::min(joint[i], levels[i]);
  }
  std::vector<size_t> counts(joint.size() + 1, 0);
  for (const uint32_t level : joint) ++counts[level];
  std::partial_sum(counts.begin(), counts.end(), counts.begin());
  return counts;
}

FittedThresholds fit(const std::vector<SortedScores>& terms, const std::vector<size_t>& counts,
                     double budget) {
  require(budget >= 0 && budget <= 1, ExitCode::kUsage, "a budget of ", budget,
          ": it is a share, between 0 and 1");
  FittedThresholds fitted{budget, 0, std::vector<float>(terms.size(), kRefineNone)};
  if (budget == 0) return fitted;
  const double positions = static_cast<double>(terms[0].size());
  const auto most = static_cast<size_t>(std::floor(budget * positions + 1e-6));
  // Of the levels that refine as many as any within the budget, the least.
  const size_t refined = *std::prev(std::ranges::upper_bound(counts, most));
  const auto level =
      budget == 1 ? terms[0].size()
                  : static_cast<size_t>(std::ranges::lower_bound(counts, refined) - counts.begin());
  for (size_t t = 0; t < terms.size(); ++t) fitted.thresholds[t] = threshold_at(terms[t], level);
  fitted.share = static_cast<double>(refined) / positions;
  return fitted;
}

}  // namespace

std::vector<FittedThresholds> fit_thresholds(std::span<const std::span<const float>> terms,
                                             Join join, std::span<const double> budgets) {
  require(!terms.empty() && !terms[0].empty(), ExitCode::kBadInput,
          "no held-out scores to fit a threshold to");
  const std::vector<SortedScores> sorted(terms.begin(), terms.end());
  const std::vector<size_t> counts = count_up_to(sorted, join);
  std::vector<FittedThresholds> all;
  for (const double budget : budgets) all.push_back(fit(sorted, counts, budget));
  return all;
}

std::vector<float> joint_margins(std::span<const std::span<const float>> terms,
                                 std::span<const float> thresholds, Join join) {
  std::vector<float> joint(terms[0].size());
  for (size_t t = 0; t < terms.size(); ++t)
    for (size_t i = 0; i < joint.size(); ++i) {
      const float margin = margin_over(terms[t][i], thresholds[t]);
      joint[i] = t == 0               ? margin
                 : join == Join::kAll ? std::min(joint[i], margin)
                                      : std::max(joint[i], margin);
    }
  return joint;
}

}  // namespace reprise
