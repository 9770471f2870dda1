#include "eval/curves/estimate.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "eval/stats/score.h"

namespace reprise {

Estimate estimate_of(std::span<const DocumentScore> documents) {
  return {bits_per_byte(documents), delta_standard_error(documents)};
}

EstimateWithin within(const DocumentScores& difference, const std::vector<double>& draws) {
  const Estimate estimate = estimate_of(difference);
  const BcaDistribution distribution(draws, estimate.bpb, leave_one_out(difference));
  return {estimate, distribution.interval(kConfidence)};
}

nlohmann::json to_json(const Estimate& estimate) {
  return {{"bpb", estimate.bpb}, {"standard_error", estimate.standard_error}};
}

nlohmann::json to_json(const EstimateWithin& within) {
  nlohmann::json entry = to_json(within.estimate);
  const auto number = [](double limit) {  // JSON has no infinity
    return std::isfinite(limit) ? nlohmann::json(limit) : nlohmann::json(nullptr);
  };
  entry["interval_bpb"] = {number(within.interval.low), number(within.interval.high)};
  return entry;
}

}  // namespace reprise
