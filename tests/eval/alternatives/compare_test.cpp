#include "eval/alternatives/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/random.h"

namespace reprise {
namespace {

/// 200 documents of 100 bytes, whose arms differ from none by a mean and by chance.
class Compare : public testing::Test {
 protected:
  Compare() {
    ArmChoices choices;
    FittedState fitted;
    fitted.readout.change.bias_V = at::zeros({3}, at::kDouble);
    choices.fitted = {fitted, fitted};
    choices.widths = widths_;
    plan_ = plan_arms(choices);
    for (size_t a = 0; a < plan_.arms.size(); ++a) scores_.arms.push_back(arm(a, 0, 0));
  }

  /// Bits per byte below 2, and the deviation of a document's.
  static DocumentScores arm(size_t index, double bpb, double deviation) {
    DocumentScores documents;
    for (uint64_t d = 0; d < 200; ++d) {
      const double document = 0.3 * RandomStream(1, Purpose::kTest, 99).normal(d);
      const double own =
          deviation * RandomStream(1, Purpose::kTest, static_cast<uint32_t>(index)).normal(d);
      documents.push_back({Nats{100 * std::numbers::ln2 * (2 + document + bpb + own)}, Bytes{100}});
    }
    return documents;
  }
  void set(const char* name, double bpb, double deviation) {
    scores_.arms[plan_.at(name)] = arm(plan_.at(name), bpb, deviation);
  }
  Comparison compare() { return compare_arms(plan_, scores_, widths_, {500, 1}); }
  static const Absorption& of(const Comparison& comparison, const std::string& control) {
    for (const Absorption& one : comparison.absorptions)
      if (one.control == control) return one;
    throw std::runtime_error("no such control");
  }

  SearchWidths widths_{{2, 4}, {0.1}, {2}};
  ArmPlan plan_;
  ArmScores scores_;
};

TEST_F(Compare, SharesTheGainOut) {
  set("all", -0.1, 0.01);
  set("none-temperature", -0.02, 0.01);
  set("all-temperature", -0.11, 0.01);
  set("none-readout", -0.06, 0.001);
  set("all-readout", -0.061, 0.001);
  const Comparison comparison = compare();
  const Absorption &temperature = of(comparison, "temperature"),
                   &readout = of(comparison, "readout");
  EXPECT_NEAR(temperature.gain.estimate.bpb, -0.1, 0.003);
  EXPECT_NEAR(temperature.remaining.estimate.bpb, -0.09, 0.003);
  ASSERT_TRUE(temperature.share && readout.share);
  EXPECT_NEAR(*temperature.share, 0.1, 0.03);
  EXPECT_EQ(temperature.word, Absorbed::kNotMost);
  EXPECT_NEAR(*readout.share, 0.99, 0.01);
  EXPECT_EQ(readout.word, Absorbed::kMost);
  EXPECT_LT(readout.share_interval->low, *readout.share);
  EXPECT_GT(readout.share_interval->high, *readout.share);
}

TEST_F(Compare, AShareOnBothSidesOfTheMarkIsUndecided) {
  set("all", -0.1, 0.02);
  set("all-temperature", -0.02, 0.05);
  EXPECT_EQ(of(compare(), "temperature").word, Absorbed::kUndecided);
}

TEST_F(Compare, WithoutAGainThereIsNothingToAbsorb) {
  set("all", 0.05, 0.01);
  set("all-temperature", -0.05, 0.01);
  const Absorption harmed = of(compare(), "temperature");
  EXPECT_EQ(harmed.word, Absorbed::kNoGain);
  EXPECT_FALSE(harmed.share || harmed.share_interval);
  EXPECT_NEAR(harmed.remaining.estimate.bpb, -0.05, 0.003) << "still told";
}

TEST_F(Compare, AGainWithinNoiseHasNoShare) {
  set("all", -0.001, 0.2);
  scores_.arms[plan_.at("all")] = arm(plan_.at("all"), -0.02, 0.5);
  const Absorption unsure = of(compare(), "temperature");
  ASSERT_LT(unsure.gain.estimate.bpb, 0);
  EXPECT_EQ(unsure.word, Absorbed::kNoise);
  EXPECT_FALSE(unsure.share);
}

TEST_F(Compare, WideIsComparedWithDeepOfTheSameCount) {
  set("parallel-2-noise-0.1", -0.03, 0.01);
  set("serial-2", -0.01, 0.01);
  const Comparison comparison = compare();
  ASSERT_EQ(comparison.searches.size(), 1u) << "no four passes were asked for";
  EXPECT_NEAR(comparison.searches[0].difference.estimate.bpb, -0.02, 0.004);
  EXPECT_LT(comparison.searches[0].difference.interval.high, 0);
}

TEST_F(Compare, DifferencesAreToNoneAndToAll) {
  set("all", -0.1, 0);
  set("none-readout", -0.04, 0);
  const ArmResult& readout = compare().arms[plan_.at("none-readout")];
  EXPECT_NEAR(readout.minus_none->estimate.bpb, -0.04, 1e-12);
  EXPECT_NEAR(readout.minus_all->estimate.bpb, 0.06, 1e-12);
  const Comparison comparison = compare();
  EXPECT_FALSE(comparison.arms[plan_.at("none")].minus_none);
  EXPECT_FALSE(comparison.arms[plan_.at("all")].minus_all);
}

}  // namespace
}  // namespace reprise
