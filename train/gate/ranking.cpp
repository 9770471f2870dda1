#include "train/gate/ranking.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace reprise {
namespace {

std::vector<size_t> by_falling_score(std::span<const float> scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, std::ranges::greater(), [&](size_t row) { return scores[row]; });
  return order;
}

/// Rows of equal scores, the largest first.
template <class Take>
void for_every_tie(std::span<const float> scores, Take take) {
  const std::vector<size_t> order = by_falling_score(scores);
  for (size_t first = 0; first < order.size();) {
    size_t end = first + 1;
    while (end < order.size() && scores[order[end]] == scores[order[first]]) ++end;
    take(std::span(order).subspan(first, end - first));
    first = end;
  }
}

struct TieSums {
  double positives = 0, gain_nats = 0;
};

TieSums sums_of(const RankedRows& rows, std::span<const size_t> tie) {
  std::vector<double> gains;
  TieSums sums;
  for (const size_t row : tie) {
    sums.positives += rows.labels[row];
    gains.push_back(rows.gains_nats[row]);
  }
  std::ranges::sort(gains);  // a sum that does not depend on the order of the rows
  sums.gain_nats = std::accumulate(gains.begin(), gains.end(), 0.0);
  return sums;
}

}  // namespace

std::optional<double> roc_auc(std::span<const float> scores, std::span<const uint8_t> labels) {
  double won = 0, positives_above = 0, negatives = 0;
  for_every_tie(scores, [&](std::span<const size_t> tie) {
    double positives_here = 0;
    for (const size_t row : tie) positives_here += labels[row];
    const double negatives_here = static_cast<double>(tie.size()) - positives_here;
    won += negatives_here * (positives_above + positives_here / 2);
    positives_above += positives_here;
    negatives += negatives_here;
  });
  if (positives_above == 0 || negatives == 0) return std::nullopt;
  return won / (positives_above * negatives);
}

PickedRows pick_rows(const RankedRows& rows, std::span<const float> scores, double share) {
  const auto count = static_cast<double>(scores.size());
  const double wanted = std::round(share * count);
  PickedRows result;
  double hits = 0, positives = 0;
  for_every_tie(scores, [&](std::span<const size_t> tie) {
    const TieSums sums = sums_of(rows, tie);
    const auto here = static_cast<double>(tie.size());
    const double fitting = std::min(1.0, (wanted - result.picked) / here);
    result.picked += fitting * here;
    hits += fitting * sums.positives;
    positives += sums.positives;
    result.gain_nats += fitting * sums.gain_nats;
  });
  if (result.picked > 0) result.precision = hits / result.picked;
  if (positives > 0) result.recall = hits / positives;
  if (count > 0) result.gain_nats /= count;
  return result;
}

}  // namespace reprise
