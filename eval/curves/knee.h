// The knee of a curve: the least budget that has nearly all of the best budget's gain.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "eval/stats/distribution.h"

namespace reprise {

inline constexpr double kKneeShare = 0.9;  ///< of the best gain

struct Knee {
  double budget = 0;
  Interval budgets;        ///< percentiles over the draws that have a knee
  double found_share = 0;  ///< of the draws: those with a gain at any budget
};

/// The least budget whose gain is at least kKneeShare of the best; nothing where none has a gain.
/// `effects[b]` is the difference to none at budgets[b]; below 0 is a gain.
std::optional<double> knee_budget(std::span<const double> budgets, std::span<const double> effects);

/// With its interval: `draws[b]` are the bootstrap's effects at budgets[b], draw by draw from the
/// same documents at every budget.
std::optional<Knee> find_knee(std::span<const double> budgets, std::span<const double> effects,
                              std::span<const std::vector<double>> draws, double confidence);

}  // namespace reprise
