#include "models/artifact/quantisers/line_division.h"

#include <algorithm>
#include <limits>

namespace reprise {
namespace {

/// One layer: least[to] over `from` of before[from] + cost(from, to). The best `from` never falls
/// as `to` grows, so that the middle's halves what the ends must look at.
class LayerSolver {
 public:
  LayerSolver(const NeighbourhoodCost& cost, const std::vector<double>& before)
      : cost_(cost), before_(before), least(before.size()), best(before.size()) {}

  void solve(size_t first_end, size_t last_end, size_t least_from, size_t most_from) {
    const size_t end = (first_end + last_end) / 2;
    least[end] = std::numeric_limits<double>::infinity();
    for (size_t from = least_from; from <= std::min(most_from, end - 1); ++from) {
      const double total = before_[from] + cost_(from, end);
      if (total >= least[end]) continue;
      least[end] = total;
      best[end] = static_cast<unsigned>(from);
    }
    if (first_end < end) solve(first_end, end - 1, least_from, best[end]);
    if (end < last_end) solve(end + 1, last_end, best[end], most_from);
  }

 private:
  const NeighbourhoodCost& cost_;
  const std::vector<double>& before_;

 public:
  std::vector<double> least;
  std::vector<unsigned> best;
};

}  // namespace

LineDivision::LineDivision(size_t places, size_t most, const NeighbourhoodCost& cost)
    : places_(places), layers_{Layer(places + 1)} {
  std::vector<double> least(places + 1);
  for (size_t end = 1; end <= places; ++end) least[end] = cost(0, end);
  for (size_t count = 2; count <= std::min(most, places); ++count) {
    LayerSolver solver(cost, least);
    solver.solve(count, places, count - 1, places - 1);
    least = std::move(solver.least);
    layers_.push_back(std::move(solver.best));
  }
}

std::vector<size_t> LineDivision::firsts(size_t count) const {
  std::vector<size_t> result;
  size_t end = places_;
  for (size_t left = std::min(count, layers_.size()); left > 0; --left) {
    end = layers_[left - 1][end];
    result.push_back(end);
  }
  std::ranges::reverse(result);
  return result;
}

}  // namespace reprise
