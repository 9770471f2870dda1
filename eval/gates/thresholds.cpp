#include "eval/gates/thresholds.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/error.h"

namespace reprise {
namespace {

/// NaN and -infinity are one: what only kRefineAll reaches.
float key_of(float score) { return std::isnan(score) ? kRefineAll : score; }

/// Held-out scores of a term, largest first.
class SortedTerm {
 public:
  explicit SortedTerm(std::span<const float> scores) {
    sorted_.reserve(scores.size());
    for (const float score : scores) sorted_.push_back(key_of(score));
    std::ranges::sort(sorted_, std::greater{});
  }

  /// How many scores are at least this one, which is among them.
  size_t level_of(float score) const {
    const auto end = std::ranges::upper_bound(sorted_, key_of(score), std::greater{});
    return static_cast<size_t>(end - sorted_.begin());
  }

  /// The threshold above which the `level` largest lie, less those that tie with the next.
  float at(size_t level) const {
    if (level >= sorted_.size()) return kRefineAll;
    // kRefineAll would let everything through: the least number keeps NaN and it out.
    return std::max(sorted_[level], std::numeric_limits<float>::lowest());
  }

 private:
  std::vector<float> sorted_;
};

/// Joint level of every position, least first.
std::vector<size_t> sorted_levels(std::span<const std::span<const float>> terms,
                                  const std::vector<SortedTerm>& sorted, Join join) {
  std::vector<size_t> levels(terms[0].size());
  for (size_t t = 0; t < terms.size(); ++t)
    for (size_t i = 0; i < levels.size(); ++i) {
      const size_t level = sorted[t].level_of(terms[t][i]);
      levels[i] = t == 0               ? level
                  : join == Join::kAll ? std::max(levels[i], level)
                                       : std::min(levels[i], level);
    }
  std::ranges::sort(levels);
  return levels;
}

/// Of levels that refine at most `most` positions the least that refines as many as any.
size_t level_for(const std::vector<size_t>& levels, size_t most) {
  if (most >= levels.size()) return levels.size();
  // Those that share the level of the first one too many would come with it.
  const auto end = std::ranges::lower_bound(levels, levels[most]);
  return end == levels.begin() ? 0 : *std::prev(end);
}

FittedThresholds fit(const std::vector<SortedTerm>& terms, const std::vector<size_t>& levels,
                     double budget) {
  require(budget >= 0 && budget <= 1, ExitCode::kUsage, "a budget of ", budget,
          ": it is a share, between 0 and 1");
  FittedThresholds fitted{budget, 0, std::vector<float>(terms.size(), kRefineNone)};
  if (budget == 0) return fitted;
  const double positions = static_cast<double>(levels.size());
  const size_t level =
      level_for(levels, static_cast<size_t>(std::floor(budget * positions + 1e-6)));
  for (size_t t = 0; t < terms.size(); ++t) fitted.thresholds[t] = terms[t].at(level);
  const auto refined = std::ranges::upper_bound(levels, level) - levels.begin();
  fitted.share = static_cast<double>(refined) / positions;
  return fitted;
}

}  // namespace

std::vector<FittedThresholds> fit_thresholds(std::span<const std::span<const float>> terms,
                                             Join join, std::span<const double> budgets) {
  require(!terms.empty() && !terms[0].empty(), ExitCode::kBadInput,
          "no held-out scores to fit a threshold to");
  const std::vector<SortedTerm> sorted(terms.begin(), terms.end());
  const std::vector<size_t> levels = sorted_levels(terms, sorted, join);
  std::vector<FittedThresholds> all;
  for (const double budget : budgets) all.push_back(fit(sorted, levels, budget));
  return all;
}

std::vector<uint8_t> apply_thresholds(std::span<const std::span<const float>> terms,
                                      std::span<const float> thresholds, Join join) {
  std::vector<uint8_t> refined(terms[0].size(), join == Join::kAll);
  for (size_t t = 0; t < terms.size(); ++t) {
    const float threshold = thresholds[t];
    for (size_t i = 0; i < refined.size(); ++i) {
      const bool above = threshold == kRefineAll || terms[t][i] > threshold;
      refined[i] = join == Join::kAll ? refined[i] & uint8_t{above} : refined[i] | uint8_t{above};
    }
  }
  return refined;
}

}  // namespace reprise
