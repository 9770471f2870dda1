// The search for a file of a given size over one number, the slope (quantiser.h): coarser slopes
// give smaller files. It forecasts from entropies, measures really coded bytes, corrects the
// forecast by their ratio, and repeats.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace reprise {

/// Sizes that count as hitting the target.
struct Band {
  int64_t least_bytes = 0, most_bytes = 0;
  /// N - 0.1 % ... N.
  static Band below(int64_t most_bytes) { return {most_bytes - most_bytes / 1000, most_bytes}; }
  bool contains(int64_t bytes) const { return least_bytes <= bytes && bytes <= most_bytes; }
};

struct Attempt {
  double log2_slope = 0;
  double forecast_bytes = 0;
  int64_t bytes = 0;  ///< measured
};

/// Slopes between which a search looks.
inline constexpr double kFinestLog2Slope = -40, kCoarsestLog2Slope = 8;

struct SizeFunctions {
  std::function<double(double log2_slope)> forecast;  ///< bytes, falling; cheap
  /// Bytes; expensive. Falling, but for the coders' noise and for a hump at the finest slopes.
  std::function<int64_t(double log2_slope)> measure;
};

/// Where the forecast crosses `bytes`; the end of the slopes that it does not reach otherwise.
double forecast_slope(const std::function<double(double log2_slope)>& forecast, double bytes);

/// Every attempt in order. The last one lies in the band, or none does: then the bracket closed
/// between a size above the band and one below it, or one side has no attempt at all. Where all
/// were too small, some slopes coarser than the finest were tried as well.
std::vector<Attempt> search_size(const Band& band, const SizeFunctions& sizes);

}  // namespace reprise
