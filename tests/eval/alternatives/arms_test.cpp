// Every arm on a network: a normalised distribution, fixed before the target is seen.
#include "eval/alternatives/arms.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "eval/alternatives/score.h"
#include "eval/predictions.h"
#include "tests/eval/alternatives/made_logits.h"
#include "tests/eval/trained_like.h"

namespace reprise {
namespace {

constexpr int64_t kVocab = 320;  // model_of()

FittedState made_fit(double scale) {
  FittedState fitted;
  fitted.temperature.change = {scale, scale, {}};
  fitted.by_gate.change = {scale, 2 * scale, {}};
  fitted.readout.change = {scale, scale, made_logits(1, kVocab, 1).squeeze(0)};
  return fitted;
}

ArmChoices every_arm() {
  ArmChoices choices;
  choices.base_passes = 2;
  choices.fitted = {made_fit(0.8), made_fit(1.1), made_fit(1.3)};
  choices.has_second = choices.second_is_better = true;
  choices.widths = {{1, 2, 3}, {0, 0.1}, {1, 2, 3}};
  return choices;
}

/// Refines where the entropy of the coarse prediction is above its median.
std::shared_ptr<const Gate> gate_for(const Network& network, const ScoringBatch& batch) {
  const at::NoGradGuard no_grad;
  const at::Tensor features = network.base_passes(batch.tokens_BT).features_BTD;
  std::vector<float> entropy = predict(network, features.flatten(0, 1), batch.targets_N).entropy;
  std::ranges::nth_element(entropy, entropy.begin() + 12);
  return make_gate(GateExpression{{Signal::kEntropy}, Join::kAll}, {entropy[12]});
}

/// A window, two networks, and what the arms say of it.
class Arms : public testing::TestWithParam<KeyRule> {
 protected:
  Arms() : seen_(look_.look(batch_, depths_)) {
    features_ = source_features(plan_, networks_, batch_, seen_);
  }

  std::vector<std::vector<double>> nats(const at::Tensor& targets_N) {
    return arm_nats(plan_, networks_, features_, seen_.rows.picked, targets_N);
  }

  ModelOptions options_ = model_of(32, 4, 24);
  Network network_{options_, trained_like_parameters(options_, 1), at::kFloat},
      second_{options_, trained_like_parameters(options_, 2), at::kFloat};
  ScoringBatch batch_ = full_window(options_);
  SecondLook look_{network_, gate_for(network_, batch_), GetParam()};
  ArmPlan plan_ = plan_arms(every_arm());
  ArmNetworks networks_{look_, &second_, 1};
  Depths depths_;
  LookedAt seen_;
  std::vector<at::Tensor> features_;
};

TEST_P(Arms, SumToOne) {
  std::vector<std::vector<double>> mass(plan_.arms.size(), std::vector<double>(24, 0));
  for (int64_t v = 0; v < kVocab; ++v) {
    const auto of_token = nats(at::full({24}, v, at::kLong));
    for (size_t a = 0; a < mass.size(); ++a)
      for (size_t n = 0; n < 24; ++n) mass[a][n] += std::exp(-of_token[a][n]);
  }
  for (size_t a = 0; a < mass.size(); ++a)
    for (size_t n = 0; n < 24; ++n) EXPECT_NEAR(mass[a][n], 1, 1e-12) << plan_.arms[a].name;
}

TEST_P(Arms, WithoutNoiseAreAll) {
  const auto of_targets = nats(batch_.targets_N);
  const auto& all = of_targets[plan_.at("all")];
  for (const char* arm : {"parallel-1-noise-0", "parallel-3-noise-0", "serial-1"})
    EXPECT_EQ(of_targets[plan_.at(arm)], all) << arm;
  for (const char* arm : {"none", "parallel-1-noise-0.1", "serial-2", "mean-logits-with-refined"})
    EXPECT_NE(of_targets[plan_.at(arm)], all) << arm;
  EXPECT_NE(of_targets[plan_.at("serial-3")], of_targets[plan_.at("serial-2")]);
  EXPECT_EQ(of_targets[plan_.at("best-of-two")], of_targets[plan_.at("second")]);
}

TEST_P(Arms, GatedIsNoneWhereTheGatePicksNothing) {
  const auto of_targets = nats(batch_.targets_N);
  const auto &none = of_targets[plan_.at("none")], &gated = of_targets[plan_.at("gated")];
  int64_t picked = 0;
  for (size_t n = 0; n < none.size(); ++n) {
    picked += seen_.rows.picked[n];
    if (!seen_.rows.picked[n]) {
      EXPECT_EQ(gated[n], none[n]);
    } else if (GetParam() == KeyRule::kCoarse) {
      EXPECT_NEAR(gated[n], of_targets[plan_.at("all")][n], 1e-4);
    }
  }
  EXPECT_GT(picked, 0);
  EXPECT_LT(picked, 24);
  EXPECT_EQ(seen_.refined_by_gate.positions, static_cast<double>(picked));
}

/// Positions behind one do not reach it: nothing of it changes where the text behind does.
TEST_P(Arms, LookAheadNowhere) {
  const auto before = nats(batch_.targets_N);
  ScoringBatch other = batch_;
  other.tokens_BT = batch_.tokens_BT.clone();
  other.tokens_BT.narrow(1, 12, 12).fill_(7);
  const LookedAt seen = look_.look(other, depths_);
  const auto after = arm_nats(plan_, networks_, source_features(plan_, networks_, other, seen),
                              seen.rows.picked, batch_.targets_N);
  for (size_t a = 0; a < before.size(); ++a)
    for (size_t n = 0; n < 12; ++n)
      EXPECT_NEAR(before[a][n], after[a][n], 1e-4) << plan_.arms[a].name;
  EXPECT_GT(std::abs(before[0][15] - after[0][15]), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(UnderEveryRule, Arms,
                         testing::Values(KeyRule::kCoarse, KeyRule::kLatest, KeyRule::kSameDepth,
                                         KeyRule::kDuo, KeyRule::kCopyState),
                         [](const auto& rule) {
                           std::string name(enum_name(rule.param));
                           std::erase(name, '-');
                           return name;
                         });

TEST(ArmPlan, NamesEachArmOnce) {
  std::set<std::string> names;
  for (const Arm& arm : plan_arms(every_arm()).arms) EXPECT_TRUE(names.insert(arm.name).second);
  EXPECT_EQ(names.size(), 3u + 9 + 4 + 3 + 6 + 3);
}

TEST(ArmPlan, LeavesOutWhatThereIsNot) {
  ArmChoices choices = every_arm();
  choices.base_passes = 1;
  choices.fitted.pop_back();
  choices.has_second = false;
  choices.widths = {};
  const ArmPlan plan = plan_arms(choices);
  for (const char* arm : {"gated", "none-temperature-by-gate", "mean-logits-of-passes", "second",
                          "two-models", "best-of-two"})
    EXPECT_FALSE(plan.find(arm)) << arm;
  EXPECT_EQ(plan.arms.size(), 2u + 4 + 2);
}

}  // namespace
}  // namespace reprise
