// What a head learns, put together from options.
#include "train/gate/objective.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "tests/data/samples.h"
#include "tests/models/tiny_models.h"
#include "train/gate/losses.h"
#include "train/gate/options.h"

namespace reprise {
namespace {
using testing::HasSubstr;

/// Gains of 0.5, 0, -1 and 0.2; the best later pass gains 0.3 more. The third is right.
GateSamples four_tokens() {
  GateSamples samples;
  samples.first_BT = at::tensor({3.0, 2.0, 1.0, 2.0}).to(at::kFloat).view({1, 4});
  samples.second_BT = at::tensor({2.5, 2.0, 2.0, 1.8}).to(at::kFloat).view({1, 4});
  samples.best_BT = samples.second_BT - 0.3;
  samples.wrong_BT = at::tensor({1.0, 1.0, 0.0, 1.0}).to(at::kFloat).view({1, 4});
  return samples;
}

at::Tensor flags(std::vector<float> values) { return at::tensor(values).view({1, -1}); }

TEST(GateObjective, LabelsOfEveryTarget) {
  const GateSamples samples = four_tokens();
  GateObjectiveOptions options{.delta = 0.25};
  const auto expect = [&](GateTarget target, const at::Tensor& labels) {
    options.target = target;
    EXPECT_TRUE(at::equal(measured_labels(options, samples), labels)) << enum_name(target);
    if (target == GateTarget::kSoftGain)
      EXPECT_TRUE(at::equal(training_labels(options, samples).gt(0.5).to(at::kFloat), labels));
    else
      EXPECT_TRUE(at::equal(training_labels(options, samples), labels)) << enum_name(target);
  };
  expect(GateTarget::kMismatch, flags({1, 1, 0, 1}));
  expect(GateTarget::kGain, flags({1, 0, 0, 0}));
  expect(GateTarget::kAnyLaterGain, flags({1, 1, 0, 1}));
  expect(GateTarget::kSoftGain, flags({1, 0, 0, 0}));
  expect(GateTarget::kRegression, flags({1, 0, 0, 0}));
}

TEST(GateObjective, AddsTheBudgetItIsAskedFor) {
  const GateSamples samples = four_tokens();
  const at::Tensor scores = flags({1, -1, 0, 2});
  GateObjectiveOptions plain{.target_share = 0.2, .budget_weight = 3}, penalty = plain,
                                                                       dual = plain;
  penalty.budget = GateBudget::kPenalty;
  dual.budget = GateBudget::kDual;
  const GateBalance balance{.positive_share = 0.25, .multiplier = 0.7};
  const auto sum = [&](const GateObjectiveOptions& options) {
    return gate_loss(options, balance, samples, scores, {}).sum.item<double>();
  };
  const at::Tensor open = at::sigmoid(scores);
  EXPECT_NEAR(sum(penalty) - sum(plain), 3 * share_penalty(open, 0.2).item<double>(), 1e-5);
  EXPECT_NEAR(sum(dual) - sum(plain), 0.7 * open.sum().item<double>(), 1e-5);
}

TEST(GateObjective, ARegressionOpensTheGateByItsGainOverDelta) {
  GateObjectiveOptions options{.target = GateTarget::kRegression, .delta = 0.1, .temperature = 0.2};
  const GateLoss loss = gate_loss(options, {}, four_tokens(), flags({0.1F, 0.3F, 0, 0}), {});
  EXPECT_NEAR(loss.open_BT[0][0].item<double>(), 0.5, 1e-6);
  EXPECT_NEAR(loss.open_BT[0][1].item<double>(), 1 / (1 + std::exp(-1.0)), 1e-6);
}

TEST(GateObjective, PairsFollowTheSequencesPlaceInTheBatchOfAllRanks) {
  const GateObjectiveOptions options{.target = GateTarget::kRegression};
  GateSamples all;
  all.first_BT = test::normal_tensor({4, 9}, 1, at::kFloat).abs();
  all.second_BT = test::normal_tensor({4, 9}, 2, at::kFloat).abs();
  all.best_BT = all.second_BT;
  const at::Tensor scores = test::normal_tensor({4, 9}, 3, at::kFloat);
  const auto of_part = [&](int64_t first, int64_t count, int64_t step) {
    GateSamples part = all;
    part.first_BT = all.first_BT.narrow(0, first, count);
    part.second_BT = all.second_BT.narrow(0, first, count);
    part.first_sequence = first;
    return gate_loss(options, {}, part, scores.narrow(0, first, count), {7, step})
        .sum.item<double>();
  };
  EXPECT_NEAR(of_part(0, 1, 5) + of_part(1, 3, 5), of_part(0, 4, 5), 1e-4);
  EXPECT_NE(of_part(0, 4, 5), of_part(0, 4, 6));
}

/// What validate() says of options that are whole but for what `change` does to them.
std::string complaint(const std::function<void(GateOptions&)>& change) {
  GateOptions options;
  options.model = options.corpus = options.out = "x";
  options.device = DeviceChoice::kCpu;
  validate(options);
  change(options);
  return error_of(ExitCode::kUsage, [&] { validate(options); });
}

TEST(GateOptions, AreRefusedInOneLine) {
  EXPECT_THAT(complaint([](auto& o) { o.model.clear(); }), HasSubstr("--gate.model is missing"));
  EXPECT_THAT(complaint([](auto& o) { o.objective.delta = -0.1; }),
              HasSubstr("gate.delta is -0.1"));
  EXPECT_THAT(complaint([](auto& o) { o.head.hidden = 0; }), HasSubstr("gate.hidden is 0"));
  EXPECT_THAT(complaint([](auto& o) { o.objective.temperature = 0; }),
              HasSubstr("gate.temperature is 0"));
  for (const double share : {-0.1, 0.0, 1.0, 1.5})
    EXPECT_THAT(complaint([&](auto& o) { o.objective.target_share = share; }),
                HasSubstr("gate.target-share is"));
  EXPECT_THAT(complaint([](auto& o) { o.objective.positive_share = 1; }),
              HasSubstr("gate.positive-share is 1"));
  EXPECT_THAT(complaint([](auto& o) { o.objective.clip = 0; }), HasSubstr("gate.clip"));
  EXPECT_THAT(complaint([](auto& o) { o.objective.huber = -1; }), HasSubstr("gate.huber"));
  EXPECT_THAT(complaint([](auto& o) { o.objective.ranking = -1; }), HasSubstr("gate.ranking"));
  EXPECT_THAT(complaint([](auto& o) { o.objective.budget_weight = -1; }),
              HasSubstr("gate.budget-weight"));
  EXPECT_THAT(complaint([](auto& o) { o.objective.dual_rate = -1; }), HasSubstr("gate.dual-rate"));
  EXPECT_THAT(complaint([](auto& o) { o.objective.target = GateTarget::kAnyLaterGain; }),
              HasSubstr("give --gate.later"));
  EXPECT_THAT(complaint([](auto& o) { o.observe.later = 1; }), HasSubstr("reads no later pass"));
  EXPECT_THAT(complaint([](auto& o) { o.passes = PassesFrom::kStored; }),
              HasSubstr("--gate.store"));
  EXPECT_THAT(complaint([](auto& o) { o.store = o.model; }), HasSubstr("stores nothing"));
  EXPECT_THAT(complaint([](auto& o) { o.steps = 0; }), HasSubstr("gate.steps"));
  EXPECT_THAT(complaint([](auto& o) { o.sequences = 0; }), HasSubstr("gate.sequences"));
  EXPECT_THAT(complaint([](auto& o) { o.batches = 301; }), HasSubstr("gate.batches"));
  EXPECT_THAT(complaint([](auto& o) { o.valid_sequences = 0; }), HasSubstr("gate.valid-sequences"));
  EXPECT_THAT(complaint([](auto& o) { o.rate = -1; }), HasSubstr("gate.rate"));
  EXPECT_THAT(complaint([](auto& o) { o.warm_down = 2; }), HasSubstr("gate.warm-down"));
  EXPECT_THAT(complaint([](auto& o) { o.seed = -1; }), HasSubstr("gate.seed"));
  EXPECT_THAT(complaint([](auto& o) { o.threads = -1; }), HasSubstr("gate.threads"));
  EXPECT_THAT(complaint([](auto& o) { o.checkpoint_every = -1; }),
              HasSubstr("gate.checkpoint-every"));
}

TEST(GateOptions, ALinearHeadHasNoHiddenUnitsToCheck) {
  EXPECT_EQ(complaint([](auto& o) {
              o.head.shape = GateShape::kLinear;
              o.head.hidden = 0;
            }),
            "no error");
}

TEST(GateOptions, OfAModelThatDoesNotTakeThem) {
  GateOptions options;
  options.observe.after = 2;
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { validate(options, test::tiny_static()); }),
              HasSubstr("gate.after is 2, but a model of the static family"));
  validate(options, test::tiny_recurrent());
  options.observe.after = -1;
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { validate(options, test::tiny_recurrent()); }),
              HasSubstr("neither may be negative"));
  options = {};
  options.objective.target = GateTarget::kRegression;
  ModelOptions lone = test::tiny_recurrent();
  lone.context = 1;
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { validate(options, lone); }),
              HasSubstr("gate.ranking pairs"));
}

}  // namespace
}  // namespace reprise
