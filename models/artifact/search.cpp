#include "models/artifact/search.h"

#include <algorithm>

namespace reprise {
namespace {

constexpr int kMaxAttempts = 60;
/// After that many attempts the coders' noise rules, not the forecast: halve the bracket instead.
constexpr size_t kForecastAttempts = 8;
constexpr double kNarrowestBracket = 1e-10;

struct Bracket {
  double fine = kFinestLog2Slope;      ///< known, or assumed, to give too large a file
  double coarse = kCoarsestLog2Slope;  ///< too small a file
  double middle() const { return (fine + coarse) / 2; }
  double width() const { return coarse - fine; }
};

/// Where the forecast crosses `bytes`; the end it does not reach otherwise.
double solve(const std::function<double(double)>& forecast, double bytes, Bracket bracket) {
  if (forecast(bracket.fine) <= bytes) return bracket.fine;
  if (forecast(bracket.coarse) >= bytes) return bracket.coarse;
  while (bracket.width() > kNarrowestBracket / 4)
    (forecast(bracket.middle()) > bytes ? bracket.fine : bracket.coarse) = bracket.middle();
  return bracket.middle();
}

bool was_tried(const std::vector<Attempt>& attempts, double log2_slope) {
  return std::any_of(attempts.begin(), attempts.end(),
                     [&](const Attempt& attempt) { return attempt.log2_slope == log2_slope; });
}

}  // namespace

std::vector<Attempt> search_size(const Band& band, const SizeFunctions& sizes) {
  std::vector<Attempt> attempts;
  Bracket bracket;
  double measured_per_forecast = 1;
  const double aim = static_cast<double>(band.least_bytes + band.most_bytes) / 2;
  while (attempts.size() < kMaxAttempts && bracket.width() > kNarrowestBracket) {
    double log2_slope = attempts.size() < kForecastAttempts
                            ? solve(sizes.forecast, aim / measured_per_forecast, bracket)
                            : bracket.middle();
    if (was_tried(attempts, log2_slope)) log2_slope = bracket.middle();
    const Attempt attempt{log2_slope, sizes.forecast(log2_slope), sizes.measure(log2_slope)};
    attempts.push_back(attempt);
    if (band.contains(attempt.bytes)) break;
    const bool too_large = attempt.bytes > band.most_bytes;
    (too_large ? bracket.fine : bracket.coarse) = log2_slope;
    measured_per_forecast = static_cast<double>(attempt.bytes) / attempt.forecast_bytes;
  }
  return attempts;
}

}  // namespace reprise
