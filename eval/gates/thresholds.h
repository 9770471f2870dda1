// Thresholds of a gate's terms for given budgets, from held-out scores.
//
// All terms stand at the same quantile: at level q (a count) each refines by itself the q held-out
// positions with its largest scores. Of all levels that is taken which refines, by the joint
// decision, the largest share not above the budget. A position's own level is, over its terms, the
// largest (kAll) or least (kAny) number of positions with at least its score; so the joint count at
// q is the number of levels up to q, and one sort a term serves every budget: O(n log n).
//
// Ties are refined together or not at all: a budget that would part them falls short, and `share`
// says where it came to lie. NaN and -infinity are the least, all alike: only the threshold
// kRefineAll reaches them. A budget of 1 is that, one of 0 kRefineNone.
#pragma once

#include <span>
#include <vector>

#include "eval/gates/gate_expression.h"

namespace reprise {

struct FittedThresholds {
  double budget = 0;              ///< asked for: share of positions
  double share = 0;               ///< refined of the held-out positions; at most the budget
  std::vector<float> thresholds;  ///< one for each term, in units of its score
};

/// Scores (direction * signal) of every term at every held-out position, terms of equal length.
/// Results in the order of the budgets. Throws kBadInput without positions, kUsage for a budget
/// outside 0..1.
std::vector<FittedThresholds> fit_thresholds(std::span<const std::span<const float>> terms,
                                             Join join, std::span<const double> budgets);

/// joint_margin() of every position: above 0 where the joint decision refines.
std::vector<float> joint_margins(std::span<const std::span<const float>> terms,
                                 std::span<const float> thresholds, Join join);

}  // namespace reprise
