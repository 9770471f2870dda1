// Scores and differences of scores, in bits per byte over documents, with their errors.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "eval/stats/bootstrap.h"
#include "eval/stats/distribution.h"

namespace reprise {

/// Of a score or of a difference of two.
struct Estimate {
  double bpb = 0, standard_error = 0;  ///< delta method over documents
};

/// Of the intervals shown.
inline constexpr double kConfidence = 0.95;

struct EstimateWithin {
  Estimate estimate;
  Interval interval;  ///< 95 %, BCa; a limit beyond the outermost draw is infinite
};

Estimate estimate_of(std::span<const DocumentScore> documents);

/// Of a difference, with draws of it from bootstrap_jointly().
EstimateWithin within(const DocumentScores& difference, const std::vector<double>& draws);

/// {"bpb", "standard_error"}, and within an interval "interval_bpb", null where it has no limit.
nlohmann::json to_json(const Estimate& estimate);
nlohmann::json to_json(const EstimateWithin& within);

}  // namespace reprise
