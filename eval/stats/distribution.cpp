#include "eval/stats/distribution.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "eval/stats/quantiles.h"

namespace reprise {
namespace {

/// Skewness of the jackknife values over six: Efron 1987, eq. 6.6, with the empirical influence
/// values.
double acceleration_of(std::span<const double> jackknife) {
  double mean = 0;
  for (const double value : jackknife) mean += value / static_cast<double>(jackknife.size());
  double squares = 0, cubes = 0;
  for (const double value : jackknife) {
    const double influence = mean - value;
    squares += influence * influence;
    cubes += influence * influence * influence;
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

}  // namespace

BcaDistribution::BcaDistribution(std::vector<double> draws, double estimate,
                                 std::span<const double> jackknife)
    : sorted_(std::move(draws)), acceleration_(acceleration_of(jackknife)) {
  require(!sorted_.empty(), ExitCode::kUsage, "an interval needs at least one bootstrap draw");
  std::ranges::sort(sorted_);
  bias_ = normal_quantile(rank_of(estimate));
}

double BcaDistribution::rank_of(double value) const {
  const double steps = static_cast<double>(sorted_.size()) + 1;
  const auto [first, last] = std::ranges::equal_range(sorted_, value);
  double below = static_cast<double>(first - sorted_.begin());
  if (first != last) {
    below += static_cast<double>(last - first + 1) / 2;  // the middle of the draws that tie
  } else if (first != sorted_.begin() && first != sorted_.end()) {
    below += (value - first[-1]) / (first[0] - first[-1]);
  }
  return std::clamp(below, 1.0, steps - 1) / steps;
}

double BcaDistribution::limit(double confidence) const {
  const double shifted = bias_ + normal_quantile(confidence);
  // Beyond 1 / a the transformation has no inverse.
  const double scale = 1 - acceleration_ * shifted;
  const double level = scale > 0 ? normal_cdf(bias_ + shifted / scale) : (shifted > 0 ? 1.0 : 0.0);
  const double last = static_cast<double>(sorted_.size()) - 1;
  const double place = level * (last + 2) - 1;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (sorted_.front() == sorted_.back()) return sorted_.front();  // nothing varies
  if (place < 0) return -kInfinity;
  if (place > last) return kInfinity;
  const auto lower = static_cast<size_t>(place);
  const size_t upper = std::min(lower + 1, sorted_.size() - 1);
  return std::lerp(sorted_[lower], sorted_[upper], place - static_cast<double>(lower));
}

double BcaDistribution::confidence_below(double effect) const {
  const double distance = normal_quantile(rank_of(effect)) - bias_;
  const double scale = 1 + acceleration_ * distance;
  if (scale <= 0) return distance > 0 ? 1 : 0;
  return normal_cdf(distance / scale - bias_);
}

StudentDistribution::StudentDistribution(double estimate, double standard_error,
                                         double degrees_of_freedom)
    : estimate_(estimate),
      standard_error_(standard_error),
      degrees_of_freedom_(degrees_of_freedom) {}

double StudentDistribution::limit(double confidence) const {
  return estimate_ + student_quantile(confidence, degrees_of_freedom_) * standard_error_;
}

double StudentDistribution::confidence_below(double effect) const {
  if (standard_error_ == 0) return effect > estimate_ ? 1 : effect < estimate_ ? 0 : 0.5;
  return student_cdf((effect - estimate_) / standard_error_, degrees_of_freedom_);
}

}  // namespace reprise
