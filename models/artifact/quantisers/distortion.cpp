#include "models/artifact/quantisers/distortion.h"

#include <algorithm>
#include <cmath>

namespace reprise {
namespace {

double ratio(double part, double whole) { return part == 0 ? 0 : part / whole; }

}  // namespace

Distortion measure_distortion(std::span<const float> original, std::span<const float> quantised) {
  double squares = 0, absolutes = 0, squared_errors = 0, absolute_errors = 0, largest = 0;
  double non_zero = 0, wrong_sign = 0;
  for (size_t i = 0; i < original.size(); ++i) {
    const double weight = original[i];
    const double error = quantised[i] - weight;
    squares += weight * weight;
    absolutes += std::abs(weight);
    squared_errors += error * error;
    absolute_errors += std::abs(error);
    largest = std::max(largest, std::abs(error));
    non_zero += weight != 0;
    wrong_sign += weight * quantised[i] < 0;
  }
  return {.relative_rms = std::sqrt(ratio(squared_errors, squares)),
          .relative_mean = ratio(absolute_errors, absolutes),
          .largest = largest,
          .wrong_sign_share = ratio(wrong_sign, non_zero)};
}

}  // namespace reprise
