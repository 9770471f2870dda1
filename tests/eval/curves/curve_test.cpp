// Curves: known answers on columns by hand, and what must hold on drawn ones: a gate that foretells
// the gain beats its controls, one that foretells nothing does not.
#include "eval/curves/curve.h"

#include <gmock/gmock.h>

#include <limits>
#include <numbers>

#include "base/error.h"
#include "tests/eval/curves/made_split.h"

namespace reprise {
namespace {

constexpr double kLn2 = std::numbers::ln2;

Curves draw(ScoredSplit valid, ScoredSplit test, const std::vector<const char*>& words,
            const std::vector<double>& budgets, const PolicyOptions& policy = {}) {
  const ReadStatistics reads = count_reads(valid);
  add_static_signals(reads, valid);
  add_static_signals(reads, test);
  std::vector<GateExpression> gates;
  for (const char* word : words) gates.push_back(parse_gate(word));
  return draw_curves(valid, test, reads, {gates, budgets, policy, {200, 5}});
}

TEST(Curves, ByHand) {
  // Valid entropies 1 to 4: a budget of a half stands at 2, of a quarter at 3.
  const ScoredSplit valid =
      make_split({{{1, 1}, {1, 2}, {1, 1}, {1, 1}}, {{1, 1}, {3, 4}, {1, 1}, {1, 1}}});
  // Gains 1, 2 and -1, 0.5; above 2: the second and third.
  const ScoredSplit test =
      make_split({{{1, 1}, {2, 2.5f}, {4, 4}, {3, 2}}, {{1, 1}, {5, 0}, {4, 4}, {5, 3.5f}}});
  const Curves curves = draw(valid, test, {"entropy"}, {0, 0.25, 0.5, 1});
  EXPECT_DOUBLE_EQ(curves.none.bpb, 4 / kLn2);
  EXPECT_DOUBLE_EQ(curves.all.bpb, 13.5 / 4 / kLn2);
  const auto& points = curves.gates.at(0).points;
  EXPECT_EQ(points[0].refined, 0);
  EXPECT_EQ(points[1].refined, 1);
  EXPECT_EQ(points[1].thresholds[0], 3);
  EXPECT_DOUBLE_EQ(points[1].minus_none.estimate.bpb, 1.0 / 4 / kLn2);
  EXPECT_EQ(points[2].refined, 2);
  EXPECT_EQ(points[2].thresholds[0], 2);
  EXPECT_DOUBLE_EQ(points[2].share, 0.5);
  EXPECT_DOUBLE_EQ(points[2].minus_none.estimate.bpb, -1.0 / 4 / kLn2);
  EXPECT_DOUBLE_EQ(points[2].score.bpb, 15.0 / 4 / kLn2);
  EXPECT_DOUBLE_EQ(points[2].of(Control::kOracleGain).bpb, -3.0 / 4 / kLn2);
  EXPECT_DOUBLE_EQ(points[2].of(Control::kUniform).bpb, -2.5 / 2 / 4 / kLn2);
  // Per document: -2 and +1 nats of 2 bytes each; se of the ratio is sqrt(2 * 4.5) / 4.
  EXPECT_NEAR(points[2].minus_none.estimate.standard_error, 3.0 / 4 / kLn2, 1e-12);
  EXPECT_EQ(points[3].refined, 4);
  EXPECT_DOUBLE_EQ(points[3].score.bpb, curves.all.bpb);
}

TEST(Curves, OfAGateThatForetellsTheGainBeatItsControls) {
  const Curves curves =
      draw(draw_split(0, 60, 0.2), draw_split(1, 60, 0.2), {"entropy"}, {0.05, 0.1, 0.3, 1});
  for (const auto& point : curves.gates.at(0).points) {
    if (point.budget == 1) continue;
    EXPECT_NEAR(point.share, point.budget, 0.02);
    EXPECT_LT(point.minus_none.interval.high, 0);
    EXPECT_LT(point.minus_matched.interval.high, 0);
    const double gate = point.minus_none.estimate.bpb;
    for (const Control control : {Control::kRandom, Control::kMatched, Control::kShuffled,
                                  Control::kInverted, Control::kUniform})
      EXPECT_LT(gate, point.of(control).bpb) << enum_name(control);
    EXPECT_GT(point.of(Control::kInverted).bpb, point.of(Control::kRandom).bpb);
    EXPECT_NEAR(point.of(Control::kRandom).bpb, point.of(Control::kUniform).bpb, 0.01);
    EXPECT_LT(point.of(Control::kOracleGain).bpb, gate);
    EXPECT_LT(point.of(Control::kOracleGain).bpb, point.of(Control::kShuffledPass).bpb);
    EXPECT_GT(point.recovered().value(), 0.1);
  }
}

TEST(Curves, OfPassesThatDifferByChanceAloneHaveNoHeadroomToSpeakOf) {
  const Curves curves = draw(draw_split(0, 60, 0), draw_split(1, 60, 0), {"entropy"}, {0.1, 0.3});
  for (const auto& point : curves.gates.at(0).points) {
    EXPECT_LT(point.of(Control::kOracleGain).bpb, -0.1);  // luck alone
    EXPECT_NEAR(point.headroom_bpb(), 0, 0.02);
    EXPECT_LT(point.minus_matched.interval.low, 0);
    EXPECT_GT(point.minus_matched.interval.high, 0);
  }
}

TEST(Curves, AtABudgetOfOneAreAllWhateverTheGate) {
  const Curves curves = draw(draw_split(0, 20, 0.2), draw_split(1, 20, 0.2), {}, {1});
  EXPECT_EQ(curves.gates.size(), 4u);  // entropy, token, frequency, position
  for (const auto& curve : curves.gates) {
    const auto& point = curve.points.at(0);
    EXPECT_DOUBLE_EQ(point.score.bpb, curves.all.bpb) << to_text(curve.gate);
    EXPECT_EQ(point.minus_matched.estimate.bpb, 0);
    for (const Control control : {Control::kInverted, Control::kOracleLoss, Control::kToken})
      EXPECT_NEAR(point.of(control).bpb, point.minus_none.estimate.bpb, 1e-12);
    EXPECT_EQ(curve.knee.value().budget, 1);
  }
}

TEST(Curves, CountScoresThatAreNoNumberAndRefineThemLast) {
  ScoredSplit valid = draw_split(0, 20, 0.2), test = draw_split(1, 20, 0.2);
  for (size_t i = 0; i < test.size(); i += 10)
    test.signals[Signal::kEntropy][i] = std::numeric_limits<float>::quiet_NaN();
  valid.signals[Signal::kEntropy][3] = std::numeric_limits<float>::quiet_NaN();
  const auto nan = static_cast<int64_t>((test.size() + 9) / 10);
  const Curves curves = draw(valid, test, {"entropy", "entropy | position"}, {0.9, 1});
  EXPECT_EQ(curves.gates[0].valid_nan, 1);
  EXPECT_EQ(curves.gates[0].test_nan, nan);
  EXPECT_EQ(curves.gates[1].test_nan, nan);
  const auto tokens = static_cast<int64_t>(test.size());
  EXPECT_LT(curves.gates[0].points[0].refined, tokens - nan);
  EXPECT_EQ(curves.gates[0].points[1].refined, tokens);
}

TEST(Curves, OfSeveralTermsSpendTheBudget) {
  const Curves curves = draw(draw_split(0, 60, 0.2), draw_split(1, 60, 0.2),
                             {"entropy & token", "entropy | token"}, {0.1, 0.3});
  for (const auto& curve : curves.gates)
    for (const auto& point : curve.points) {
      EXPECT_LE(point.valid_share, point.budget);
      EXPECT_NEAR(point.share, point.budget, 0.05) << to_text(curve.gate);
      EXPECT_LT(point.minus_none.estimate.bpb, point.of(Control::kInverted).bpb);
    }
}

TEST(Curves, OfAPolicyKeepItsCapInEveryDocument) {
  PolicyOptions policy;
  policy.cap = 3;
  const ScoredSplit test = draw_split(1, 20, 0.2);
  const Curves capped = draw(draw_split(0, 20, 0.2), test, {"entropy"}, {0.3, 1}, policy);
  for (const auto& point : capped.gates[0].points) EXPECT_EQ(point.refined, 3 * 20);
  // Everything wanted, and a bucket of one: every second of a document, from its first.
  policy = {};
  policy.burst = 1;
  policy.refill = 0.5;
  const Curves bucket = draw(draw_split(0, 20, 0.2), test, {"entropy"}, {1}, policy);
  int64_t expected = 0;
  for (const auto& document : test.none) expected += (document.bytes.value + 1) / 2;
  EXPECT_EQ(bucket.gates[0].points[0].refined, expected);
}

TEST(Curves, OfARunningQuantileSpendTheBudgetWhereTheSplitsDiffer) {
  ScoredSplit test = draw_split(1, 60, 0.2);
  for (float& entropy : test.signals[Signal::kEntropy]) entropy += 0.5f;
  const auto share = [&](const PolicyOptions& policy) {
    return draw(draw_split(0, 60, 0.2), test, {"entropy"}, {0.2}, policy).gates[0].points[0].share;
  };
  PolicyOptions running;
  running.kind = PolicyKind::kRunningQuantile;
  running.step = 0.1;
  EXPECT_GT(share({}), 0.4);
  EXPECT_NEAR(share(running), 0.2, 0.06);
}

TEST(Curves, RefuseAPolicyThatLooksAhead) {
  PolicyOptions policy;
  policy.kind = PolicyKind::kPickMost;
  EXPECT_THROW(draw(draw_split(0, 2, 0), draw_split(1, 2, 0), {"entropy"}, {0.1}, policy), Error);
}

TEST(Curves, RefuseAGateWithoutItsColumn) {
  try {
    draw(draw_split(0, 2, 0), draw_split(1, 2, 0), {"entropy & residual"}, {0.1});
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    EXPECT_THAT(error.what(), testing::HasSubstr("looks at residual"));
  }
}

}  // namespace
}  // namespace reprise
