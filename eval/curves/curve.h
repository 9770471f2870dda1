// Budget curves: what a gate gives at each share of refined predictions, from one trace of the
// valid split and one of the test split.
//
// Under the rule `coarse` a refined prediction is the same whichever others are refined, so for
// every gate nll = refined ? nll_all : nll_base, and no model has to run. docs/curves.md has the
// formulas. All differences are bits per byte, less is better; the unit of every error is the
// document.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "eval/curves/controls.h"
#include "eval/curves/estimate.h"
#include "eval/curves/knee.h"
#include "eval/gates/gate_expression.h"
#include "eval/gates/policy_options.h"
#include "eval/stats/bootstrap.h"

namespace reprise {

struct CurvePoint {
  double budget = 0, valid_share = 0;  ///< asked for; by thresholds alone on valid
  std::vector<float> thresholds;       ///< of each term, in units of direction * signal
  int64_t refined = 0;                 ///< predictions of the test split
  double share = 0;                    ///< of them: the budget that was spent
  Estimate score;
  EstimateWithin minus_none, minus_matched;
  std::array<Estimate, kControls> controls;  ///< minus none, by Control

  /// What a gate could save at this count beyond luck: oracle-gain's saving less that of
  /// shuffled-passes.
  double headroom_bpb() const;
  /// The share of it that such a difference to none is; nothing where there is no headroom.
  std::optional<double> recovered_by(double minus_none_bpb) const;
  std::optional<double> recovered() const { return recovered_by(minus_none.estimate.bpb); }
  Estimate of(Control control) const { return controls[static_cast<size_t>(control)]; }
};

struct GateCurve {
  GateExpression gate;
  int64_t valid_nan = 0, test_nan = 0;  ///< predictions with a score that is NaN
  std::vector<CurvePoint> points;       ///< in the order of the budgets
  std::optional<Knee> knee;
};

struct Curves {
  int64_t documents = 0, tokens = 0;  ///< of the test split
  Estimate none, all;                 ///< nothing refined, everything
  std::vector<GateCurve> gates;
};

/// What is to be drawn.
struct CurvePlan {
  std::vector<GateExpression> gates;  ///< none: every signal that both splits have
  std::vector<double> budgets;        ///< shares, each in 0..1
  PolicyOptions policy;               ///< with each budget in turn; decides from the thresholds on
  BootstrapOptions bootstrap;
};

/// Both splits have the static signals. Throws kBadInput for a gate whose signal is in none, kUsage
/// for a policy that is not causal.
Curves draw_curves(const ScoredSplit& valid, const ScoredSplit& test, const ReadStatistics& reads,
                   CurvePlan plan);

}  // namespace reprise
