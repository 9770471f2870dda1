// What may be taken at some slope, of many ways to store one thing: those on the lower convex hull
// of distortion by bits.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "models/artifact/quantisers/quantiser.h"

namespace reprise {

/// Leaves those that distortion + slope * bits is least of at some slope above 0, bits rising; of
/// equals the first. forecast_of(way) says what a way comes to.
template <class Way, class ForecastOf>
void keep_lower_hull(std::vector<Way>& ways, ForecastOf forecast_of) {
  std::ranges::stable_sort(ways, {}, [&](const Way& way) {
    const Forecast forecast = forecast_of(way);
    return std::pair(forecast.bits, forecast.distortion);
  });
  const auto above = [](const Forecast& left, const Forecast& middle, const Forecast& right) {
    return (middle.distortion - left.distortion) * (right.bits - left.bits) >=
           (right.distortion - left.distortion) * (middle.bits - left.bits);
  };
  std::vector<Way> hull;
  for (Way& way : ways) {
    const Forecast forecast = forecast_of(way);
    if (!hull.empty() && forecast.distortion >= forecast_of(hull.back()).distortion) continue;
    while (hull.size() > 1 &&
           above(forecast_of(hull[hull.size() - 2]), forecast_of(hull.back()), forecast))
      hull.pop_back();
    hull.push_back(std::move(way));
  }
  ways = std::move(hull);
}

}  // namespace reprise
