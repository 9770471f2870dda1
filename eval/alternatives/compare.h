// What the arms come to beside one another: differences in bits per byte, less is better, over
// documents, and what each control leaves of the second look's gain.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/alternatives/score.h"
#include "eval/curves/curve.h"

namespace reprise {

/// In the order of the plan's arms.
struct ArmResult {
  Estimate score;
  std::optional<EstimateWithin> minus_none, minus_all;  ///< not of the arm itself
};

/// What is said of a control. A gain is one where the interval of its difference lies below 0.
enum class Absorbed {
  kNoGain,     ///< the refined arm is not better than none: there is nothing to absorb
  kNoise,      ///< it is better, but the interval reaches 0
  kMost,       ///< the interval of the share lies at kMostShare or above
  kNotMost,    ///< it lies below
  kUndecided,  ///< it holds kMostShare
};
template <>
struct EnumNames<Absorbed> {
  static constexpr std::array names{
      std::pair{Absorbed::kNoGain, "no gain to absorb"},
      std::pair{Absorbed::kNoise, "gain within noise"}, std::pair{Absorbed::kMost, "absorbed"},
      std::pair{Absorbed::kNotMost, "not absorbed"}, std::pair{Absorbed::kUndecided, "undecided"}};
};
/// Of the gain: a control that absorbs so much falsifies C6.
inline constexpr double kMostShare = 0.8;

/// share = 1 − remaining / gain, with gain = refined − none and remaining = with − without, bits
/// per byte each.
struct Absorption {
  std::string control, of;       ///< "temperature"; "all" or "gated"
  size_t with = 0, without = 0;  ///< arms: the refined one under the control, and its rival
  EstimateWithin gain, remaining;
  Absorbed word = Absorbed::kNoGain;
  std::optional<double> share;             ///< where there is a gain beyond noise
  std::optional<Interval> share_interval;  ///< 95 %, BCa
};

/// C21: so many trajectories minus as many passes behind one another.
struct SearchPair {
  int64_t count = 0;
  double sigma = 0;
  size_t parallel = 0, serial = 0;  ///< arms
  EstimateWithin difference;
};

struct Comparison {
  std::vector<ArmResult> arms;
  std::vector<Absorption> absorptions;
  std::vector<SearchPair> searches;
};

Comparison compare_arms(const ArmPlan& plan, const ArmScores& scores, const SearchWidths& widths,
                        const BootstrapOptions& bootstrap);

}  // namespace reprise
