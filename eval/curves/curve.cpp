#include "eval/curves/curve.h"

#include <cmath>

#include "base/parallel.h"
#include "eval/curves/joint_bootstrap.h"
#include "eval/gates/thresholds.h"

namespace reprise {
namespace {

/// `none` with that taken off.
DocumentScores less(const DocumentScores& none, const SavedNats& saved) {
  DocumentScores scores = none;
  for (size_t d = 0; d < scores.size(); ++d) scores[d].nats.value -= saved[d];
  return scores;
}

/// Scores that differ from others by what is saved more.
DocumentScores saved_more(const DocumentScores& none, const SavedNats& saved,
                          const SavedNats& other) {
  DocumentScores scores;
  for (size_t d = 0; d < none.size(); ++d) scores.push_back({{other[d] - saved[d]}, none[d].bytes});
  return scores;
}

/// What is compared of one choice of predictions.
struct PointSums {
  int64_t refined = 0;
  SavedNats gate;
  std::array<SavedNats, kControls> controls;

  const SavedNats& of(Control control) const { return controls[static_cast<size_t>(control)]; }
};

std::vector<std::span<const float>> spans_of(const std::vector<std::vector<float>>& terms) {
  return {terms.begin(), terms.end()};
}

int64_t count_any_nan(const std::vector<std::vector<float>>& terms) {
  int64_t count = 0;
  for (size_t i = 0; i < terms[0].size(); ++i) {
    bool any = false;
    for (const auto& term : terms) any |= std::isnan(term[i]);
    count += any;
  }
  return count;
}

std::vector<uint32_t> inverted_rank(const std::vector<std::vector<float>>& terms, Join join,
                                    const RandomOrder& random) {
  return terms.size() == 1 ? rank_by(terms[0], First::kLeast, random)
                           : rank_by_level(terms, join, First::kLeast, random);
}

class CurveDrawer {
 public:
  CurveDrawer(const ScoredSplit& valid, const ScoredSplit& test, const ReadStatistics& reads,
              const CurvePlan& plan)
      : valid_(valid),
        test_(test),
        plan_(plan),
        controls_(test, reads, plan.bootstrap.seed),
        nothing_(test.none.size(), 0) {}

  GateCurve draw(const GateExpression& gate) const {
    GateCurve curve;
    curve.gate = gate;
    const auto scores = scores_of(test_.signals, gate);
    const auto fitted = fit(gate, curve);
    curve.test_nan = count_any_nan(scores);
    const auto inverted = inverted_rank(scores, gate.join, controls_.random());
    const auto sums = parallel_map(fitted.size(), [&](size_t b) {
      return sums_of(picked_by(gate, fitted[b], scores), inverted);
    });
    for (size_t b = 0; b < fitted.size(); ++b) curve.points.push_back(point_of(fitted[b], sums[b]));
    add_intervals(sums, curve);
    return curve;
  }

 private:
  std::vector<FittedThresholds> fit(const GateExpression& gate, GateCurve& curve) const {
    const auto held_out = scores_of(valid_.signals, gate);
    curve.valid_nan = count_any_nan(held_out);
    return fit_thresholds(spans_of(held_out), gate.join, plan_.budgets);
  }

  /// What the policy refines, document by document, its threshold being where the margin is 0.
  Picked picked_by(const GateExpression& gate, const FittedThresholds& fitted,
                   const std::vector<std::vector<float>>& scores) const {
    PolicyOptions options = plan_.policy;
    options.budget = fitted.budget;
    const auto policy = make_policy(options, 0);
    const auto margins = joint_margins(spans_of(scores), fitted.thresholds, gate.join);
    std::vector<uint8_t> refined;
    refined.reserve(margins.size());
    for (size_t first = 0, end = 0; first < margins.size(); first = end) {
      while (end < margins.size() && test_.document[end] == test_.document[first]) ++end;
      PolicyState state;
      const auto decided = policy->decide(std::span(margins).subspan(first, end - first), state);
      refined.insert(refined.end(), decided.begin(), decided.end());
    }
    return picked_of(std::move(refined));
  }

  PointSums sums_of(const Picked& picked, std::span<const uint32_t> inverted) const {
    return {picked.count, saved_where(test_, test_.gain, picked.refined),
            controls_.saved(picked, inverted)};
  }

  CurvePoint point_of(const FittedThresholds& fitted, const PointSums& sums) const {
    CurvePoint point;
    point.budget = fitted.budget;
    point.valid_share = fitted.share;
    point.thresholds = fitted.thresholds;
    point.refined = sums.refined;
    point.share = static_cast<double>(point.refined) / static_cast<double>(test_.size());
    point.score = estimate_of(less(test_.none, sums.gate));
    for (size_t c = 0; c < kControls; ++c)
      point.controls[c] = estimate_of(saved_more(test_.none, sums.controls[c], nothing_));
    return point;
  }

  /// What rests on the bootstrap: the differences to none and to the matched control, and the knee.
  void add_intervals(const std::vector<PointSums>& sums, GateCurve& curve) const {
    const size_t budgets = sums.size();
    std::vector<DocumentScores> contrasts;
    for (const auto& point : sums)
      contrasts.push_back(saved_more(test_.none, point.gate, nothing_));
    for (const auto& point : sums)
      contrasts.push_back(saved_more(test_.none, point.gate, point.of(Control::kMatched)));
    const auto draws = bootstrap_jointly(contrasts, plan_.bootstrap);
    std::vector<double> effects;
    for (size_t b = 0; b < budgets; ++b) {
      CurvePoint& point = curve.points[b];
      point.minus_none = within(contrasts[b], draws[b]);
      point.minus_matched = within(contrasts[budgets + b], draws[budgets + b]);
      effects.push_back(point.minus_none.estimate.bpb);
    }
    curve.knee = find_knee(plan_.budgets, effects, std::span(draws).first(budgets), kConfidence);
  }

  const ScoredSplit &valid_, &test_;
  const CurvePlan& plan_;
  Controls controls_;
  SavedNats nothing_;
};

std::vector<GateExpression> every_signal(const ScoredSplit& valid, const ScoredSplit& test) {
  std::vector<GateExpression> gates;
  for (const auto& [signal, _] : test.signals)
    if (valid.signals.contains(signal)) gates.push_back({{signal}, Join::kAll});
  return gates;
}

}  // namespace

double CurvePoint::headroom_bpb() const {
  return of(Control::kShuffledPass).bpb - of(Control::kOracleGain).bpb;
}

std::optional<double> CurvePoint::recovered_by(double minus_none_bpb) const {
  const double headroom = headroom_bpb();
  if (!(headroom > 0)) return std::nullopt;
  return -minus_none_bpb / headroom;
}

Curves draw_curves(const ScoredSplit& valid, const ScoredSplit& test, const ReadStatistics& reads,
                   CurvePlan plan) {
  require_causal(*make_policy(plan.policy, 0));
  if (plan.gates.empty()) plan.gates = every_signal(valid, test);
  const CurveDrawer drawer(valid, test, reads, plan);
  Curves curves;
  curves.documents = static_cast<int64_t>(test.none.size());
  curves.tokens = static_cast<int64_t>(test.size());
  curves.none = estimate_of(test.none);
  const std::vector<uint8_t> everything(test.size(), 1);
  curves.all = estimate_of(less(test.none, saved_where(test, test.gain, everything)));
  for (const auto& gate : plan.gates) curves.gates.push_back(drawer.draw(gate));
  return curves;
}

}  // namespace reprise
