#include "eval/curves/record.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace reprise {
namespace {

using nlohmann::json;

/// JSON has no infinity.
json number_json(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json interval_json(const Interval& interval) {
  return {number_json(interval.low), number_json(interval.high)};
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
    json entry = to_json(point.of(control));
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
          {"minus_none", to_json(point.minus_none)},
          {"minus_matched_random", to_json(point.minus_matched)},
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
          {"none", to_json(curves.none)},
          {"all", to_json(curves.all)},
          {"gates", gates}};
}

}  // namespace reprise
