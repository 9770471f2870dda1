#include "eval/curves/record.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace reprise {
namespace {

using nlohmann::json;

/// JSON has no infinity.
json number_json(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json estimate_json(const Estimate& estimate) {
  return {{"bpb", estimate.bpb}, {"standard_error", estimate.standard_error}};
}

json interval_json(const Interval& interval) {
  return {number_json(interval.low), number_json(interval.high)};
}

json within_json(const EstimateWithin& within) {
  json entry = estimate_json(within.estimate);
  entry["interval_bpb"] = interval_json(within.interval);
  return entry;
}

/// A threshold that refines all or none is no number.
json threshold_json(float threshold) {
  if (threshold == kRefineAll) return "all";
  if (threshold == kRefineNone) return "none";
  return threshold;
}

json controls_json(const CurvePoint& point) {
  json entries = json::object();
  for (const auto& [control, name] : EnumNames<Control>::names) {
    json entry = estimate_json(point.of(control));
    entry["attainable"] = attainable(control);
    entries[name] = entry;
  }
  return entries;
}

json point_json(const CurvePoint& point) {
  json thresholds = json::array();
  for (const float threshold : point.thresholds) thresholds.push_back(threshold_json(threshold));
  const auto share_json = [](std::optional<double> share) {
    return share ? json(*share) : json(nullptr);
  };
  return {{"budget", point.budget},
          {"valid_share", point.valid_share},
          {"thresholds", thresholds},
          {"refined", point.refined},
          {"share", point.share},
          {"bpb", point.score.bpb},
          {"standard_error", point.score.standard_error},
          {"minus_none", within_json(point.minus_none)},
          {"minus_matched_random", within_json(point.minus_matched)},
          {"controls_minus_none", controls_json(point)},
          {"corrected_headroom_bpb", point.headroom_bpb()},
          {"recovered_share", share_json(point.recovered())},
          {"matched_random_recovered_share",
           share_json(point.recovered_by(point.of(Control::kMatched).bpb))}};
}

json knee_json(const std::optional<Knee>& knee) {
  if (!knee) return nullptr;
  return {{"budget", knee->budget},
          {"interval", interval_json(knee->budgets)},
          {"draws_with_a_gain", knee->found_share}};
}

json gate_json(const GateCurve& curve) {
  json points = json::array(), terms = json::array();
  for (const Signal term : curve.gate.terms) terms.push_back(enum_name(term));
  for (const auto& point : curve.points) points.push_back(point_json(point));
  return {{"gate", to_text(curve.gate)},
          {"terms", terms},
          {"may_see", may_see(curve.gate)},
          {"nan_scores", {{"valid", curve.valid_nan}, {"test", curve.test_nan}}},
          {"points", points},
          {"knee", knee_json(curve.knee)}};
}

}  // namespace

json curves_record(const Curves& curves) {
  json gates = json::array();
  for (const auto& curve : curves.gates) gates.push_back(gate_json(curve));
  return {{"documents", curves.documents},
          {"tokens", curves.tokens},
          {"none", estimate_json(curves.none)},
          {"all", estimate_json(curves.all)},
          {"gates", gates}};
}

}  // namespace reprise
