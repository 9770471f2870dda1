#include "eval/curves/knee.h"

#include <algorithm>
#include <cmath>

namespace reprise {

std::optional<double> knee_budget(std::span<const double> budgets,
                                  std::span<const double> effects) {
  const double best = -std::ranges::min(effects);
  if (!(best > 0)) return std::nullopt;
  double least = 1;
  for (size_t b = 0; b < budgets.size(); ++b)
    if (-effects[b] >= kKneeShare * best) least = std::min(least, budgets[b]);
  return least;
}

std::optional<Knee> find_knee(std::span<const double> budgets, std::span<const double> effects,
                              std::span<const std::vector<double>> draws, double confidence) {
  const auto found = knee_budget(budgets, effects);
  if (!found) return std::nullopt;
  std::vector<double> drawn, one(budgets.size());
  for (size_t draw = 0; draw < draws[0].size(); ++draw) {
    for (size_t b = 0; b < budgets.size(); ++b) one[b] = draws[b][draw];
    if (const auto knee = knee_budget(budgets, one)) drawn.push_back(*knee);
  }
  Knee knee{*found, {*found, *found}, 0};
  if (drawn.empty()) return knee;
  knee.found_share = static_cast<double>(drawn.size()) / static_cast<double>(draws[0].size());
  std::ranges::sort(drawn);
  const double last = static_cast<double>(drawn.size() - 1);
  knee.budgets = {drawn[static_cast<size_t>(std::floor(last * (1 - confidence) / 2))],
                  drawn[static_cast<size_t>(std::ceil(last * (1 + confidence) / 2))]};
  return knee;
}

}  // namespace reprise
