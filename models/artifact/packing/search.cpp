#include "models/artifact/packing/search.h"

#include <algorithm>

namespace reprise {
namespace {

constexpr int kMaxAttempts = 24;
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

/// At the finest slopes sizes need not fall: rows of one width code better than rows of several.
/// So much larger than the file at the finest slope may one be at a coarser.
constexpr double kLargestHump = 0.05;

/// How much less the forecast is from one look at the hump to the next, and how many looks: first
/// over the whole of it, then around the largest file that was found.
constexpr double kCoarseLook = 0.0025, kFineLook = 0.0004;
constexpr int kLooks = 12;

class Search {
 public:
  Search(const Band& band, const SizeFunctions& sizes) : band_(band), sizes_(sizes) {}

  std::vector<Attempt> run() {
    close_bracket();
    if (!hit() && bracket_.coarse == kFinestLog2Slope && climb_hump() && !hit()) close_bracket();
    return attempts_;
  }

 private:
  bool hit() const { return !attempts_.empty() && band_.contains(attempts_.back().bytes); }

  const Attempt& attempt(double log2_slope) {
    attempts_.push_back({log2_slope, sizes_.forecast(log2_slope), sizes_.measure(log2_slope)});
    return attempts_.back();
  }

  void close_bracket() {
    const double aim = static_cast<double>(band_.least_bytes + band_.most_bytes) / 2;
    double measured_per_forecast = 1;
    while (attempts_.size() < kMaxAttempts && bracket_.width() > kNarrowestBracket) {
      double log2_slope = attempts_.size() < kForecastAttempts
                              ? solve(sizes_.forecast, aim / measured_per_forecast, bracket_)
                              : bracket_.middle();
      if (was_tried(attempts_, log2_slope)) log2_slope = bracket_.middle();
      const Attempt& last = attempt(log2_slope);
      if (hit()) return;
      (last.bytes > band_.most_bytes ? bracket_.fine : bracket_.coarse) = log2_slope;
      measured_per_forecast = static_cast<double>(last.bytes) / last.forecast_bytes;
    }
  }

  /// The finest slope gave too small a file: looks for a larger one at coarser slopes. Whether one
  /// was large enough; where it was too large, the bracket lies behind it.
  bool climb_hump() {
    const double largest = (1 + kLargestHump) * static_cast<double>(attempts_.back().bytes);
    if (static_cast<double>(band_.least_bytes) > largest) return false;
    if (look(0, kCoarseLook)) return true;
    const auto best = std::ranges::max_element(attempts_, {}, &Attempt::bytes);
    const double drop = 1 - best->forecast_bytes / sizes_.forecast(kFinestLog2Slope);
    return look(drop - kFineLook * kLooks / 2, kFineLook);
  }

  /// At the slopes where the forecast is `drop` + `step`, + 2 `step`, ... below its largest, as
  /// shares of that.
  bool look(double drop, double step) {
    const double most = sizes_.forecast(kFinestLog2Slope);
    for (int i = 1; i <= kLooks; ++i) {
      const double log2_slope = solve(sizes_.forecast, (1 - drop - i * step) * most, {});
      if (was_tried(attempts_, log2_slope)) continue;
      const Attempt& last = attempt(log2_slope);
      if (last.bytes < band_.least_bytes) continue;
      bracket_ = {.fine = log2_slope};
      for (const Attempt& known : attempts_)
        if (known.log2_slope > log2_slope)
          bracket_.coarse = std::min(bracket_.coarse, known.log2_slope);
      return true;
    }
    return false;
  }

  const Band band_;
  const SizeFunctions& sizes_;
  std::vector<Attempt> attempts_;
  Bracket bracket_;
};

}  // namespace

double forecast_slope(const std::function<double(double)>& forecast, double bytes) {
  return solve(forecast, bytes, {});
}

std::vector<Attempt> search_size(const Band& band, const SizeFunctions& sizes) {
  return Search(band, sizes).run();
}

}  // namespace reprise
