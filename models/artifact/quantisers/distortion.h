// How far a quantised tensor is from the one it stands for: four measures, since one alone
// misleads. A small squared error can hide flipped signs, a small mean error a ruined outlier.
#pragma once

#include <span>

namespace reprise {

struct Distortion {
  double relative_rms = 0;      ///< root of (sum of squared errors / sum of squares)
  double relative_mean = 0;     ///< sum of absolute errors / sum of absolute values
  double largest = 0;           ///< largest absolute error, in units of the weights
  double wrong_sign_share = 0;  ///< of the non-zero weights, those that came back with the other
                                ///< sign; zero counts as either
};

/// Both spans have the same length. A tensor of zeros that stays zero has no distortion.
Distortion measure_distortion(std::span<const float> original, std::span<const float> quantised);

}  // namespace reprise
