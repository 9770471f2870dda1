// Steps of a gate head's training on any number of ranks, over planted samples.
#include "train/gate/trainer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tests/data/samples.h"
#include "tests/support/test_comm.h"
#include "tests/train/gate/planted.h"
#include "train/gate/measure.h"

namespace reprise {
namespace {
using test::planted;

GateOptions small_options() {
  GateOptions options;
  options.head = {.reads = GateReads::kState, .shape = GateShape::kLinear};
  options.steps = 60;
  options.sequences = 6;
  options.rate = 0.05;
  return options;
}

struct Outcome {
  std::vector<GateReport> reports;
  std::vector<at::Tensor> state;
  nlohmann::json measured;
};

Outcome run(const GateOptions& options, const SampleSource& samples, Communicator& comm) {
  at::set_num_threads(1);
  GateTrainer trainer(options, test::kPlantedWidth, comm);
  trainer.balance(samples);
  Outcome outcome;
  for (int64_t step = 0; step < options.steps; ++step)
    outcome.reports.push_back(trainer.step(step, samples));
  for (const auto& tensor : trainer.state().common) outcome.state.push_back(tensor.tensor.clone());
  const SampleSource held_out = [&](int64_t, int64_t first, int64_t count) {
    return samples(1'000'000, first, count);
  };
  outcome.measured = measure_gate(trainer.head(), options.head, options.objective, held_out,
                                  /*sequences=*/16, comm);
  return outcome;
}

double auc(const Outcome& outcome) { return outcome.measured.at("head").at("auc"); }

/// Every target, with the settings under which it is to find a gain planted in the state.
std::vector<GateObjectiveOptions> every_target() {
  std::vector<GateObjectiveOptions> all;
  for (const auto& [target, _] : EnumNames<GateTarget>::names) all.push_back({.target = target});
  all.push_back({.target = GateTarget::kRegression, .regression = GainRegression::kSquared});
  all.push_back({.target = GateTarget::kGain, .budget = GateBudget::kPenalty});
  all.push_back({.target = GateTarget::kGain, .budget = GateBudget::kDual});
  return all;
}

std::string name_of(const GateObjectiveOptions& options) {
  return concat(enum_name(options.target), ", ", enum_name(options.budget));
}

TEST(GateTrainer, FindsAGainPlantedInTheState) {
  for (const auto& objective : every_target()) {
    SCOPED_TRACE(name_of(objective));
    GateOptions options = small_options();
    options.objective = objective;
    const Outcome outcome = run(options, planted(test::linear_gain), test_comm());
    EXPECT_GT(auc(outcome), 0.97);
    const nlohmann::json& measured = outcome.measured;
    EXPECT_GT(measured.at("head").at("gain_nats").get<double>(),
              0.85 * measured.at("oracle_gain").at("gain_nats").get<double>());
  }
}

TEST(GateTrainer, FindsNoneWhereNoneIs) {
  for (const auto& objective : every_target()) {
    SCOPED_TRACE(name_of(objective));
    GateOptions options = small_options();
    options.objective = objective;
    // 512 held-out tokens, of which at least a third is of each kind: a deviation of 0.026.
    EXPECT_NEAR(auc(run(options, planted(test::hidden_gain), test_comm())), 0.5, 0.1);
  }
}

TEST(GateTrainer, AHiddenLayerFindsWhatALinearHeadCannot) {
  GateOptions options = small_options();
  options.steps = 300;
  options.rate = 0.03;
  EXPECT_NEAR(auc(run(options, planted(test::product_gain), test_comm())), 0.5, 0.1);
  options.head.shape = GateShape::kMlp;
  EXPECT_GT(auc(run(options, planted(test::product_gain), test_comm())), 0.95);
}

TEST(GateTrainer, DoesNotDependOnTheNumberOfRanks) {
  for (const auto& objective : every_target()) {
    SCOPED_TRACE(name_of(objective));
    GateOptions options = small_options();
    options.head = {.reads = GateReads::kBoth, .hidden = 8};
    options.objective = objective;
    options.steps = 20;
    const auto samples = planted(test::linear_gain);
    const Outcome together = run(options, samples, test_comm()),
                  alone = run(options, samples, *make_self_communicator());
    for (size_t step = 0; step < alone.reports.size(); ++step) {
      const GateReport &a = together.reports[step], &b = alone.reports[step];
      EXPECT_NEAR(a.loss, b.loss, 1e-7) << step;
      EXPECT_NEAR(a.open_share, b.open_share, 1e-7) << step;
      EXPECT_NEAR(a.gain_nats, b.gain_nats, 1e-12) << step;
      EXPECT_NEAR(a.multiplier, b.multiplier, 1e-7) << step;
      // AdamW forgives a wrong scale of the gradient; the norm does not.
      EXPECT_NEAR(a.gradient_norm, b.gradient_norm, 1e-6 * b.gradient_norm) << step;
    }
    // Another order of the ranks' sums rounds by 2^-53, which AdamW amplifies where a gradient is
    // next to 0: its steps are of 0.05 whatever the gradient's size.
    for (size_t i = 0; i < alone.state.size(); ++i)
      EXPECT_LT((together.state[i] - alone.state[i]).abs().max().item<double>(), 1e-6) << i;
    EXPECT_NEAR(auc(together), auc(alone), 1e-3);
  }
}

TEST(GateTrainer, WorksWithFewerSequencesThanRanks) {
  GateOptions options = small_options();
  options.sequences = 3;
  options.steps = 5;
  const auto samples = planted(test::linear_gain);
  EXPECT_NEAR(run(options, samples, test_comm()).reports.back().loss,
              run(options, samples, *make_self_communicator()).reports.back().loss, 1e-5);
}

TEST(GateTrainer, BudgetsHoldTheShareTheGateOpensFor) {
  GateOptions options = small_options();
  options.steps = 300;
  const auto open = [&](GateBudget budget) {
    options.objective.budget = budget;
    options.objective.target_share = 0.15;
    options.objective.budget_weight = 200;
    options.objective.dual_rate = 1;
    return run(options, planted(test::linear_gain), test_comm()).reports.back().open_share;
  };
  EXPECT_GT(open(GateBudget::kNone), 0.25);  // weighted positives: far from the share
  EXPECT_NEAR(open(GateBudget::kPenalty), 0.15, 0.04);
  EXPECT_NEAR(open(GateBudget::kDual), 0.15, 0.04);
}

TEST(GateTrainer, MeasuresTheShareOfPositivesOnTheFirstBatchOfAllRanks) {
  const GateOptions options = small_options();
  const auto samples = planted(test::linear_gain);
  GateTrainer trainer(options, test::kPlantedWidth, test_comm());
  trainer.balance(samples);
  const at::Tensor labels = training_labels(options.objective, samples(0, 0, options.sequences));
  EXPECT_NEAR(trainer.positive_share(), labels.mean().item<double>(), 1e-6);
  GateOptions given = options;
  given.objective.positive_share = 0.125;
  GateTrainer other(given, test::kPlantedWidth, test_comm());
  other.balance(samples);
  EXPECT_EQ(other.positive_share(), 0.125);
}

TEST(GateTrainer, RefusesLabelsThatAreAllAlike) {
  GateOptions options = small_options();
  GateTrainer trainer(options, test::kPlantedWidth, test_comm());
  const auto flat = planted([](const double*, double) { return 0.0; });
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { trainer.balance(flat); }),
              testing::HasSubstr("none of the 192 tokens of the first batch is a positive"));
  options.objective.target = GateTarget::kRegression;  // learns without labels
  GateTrainer other(options, test::kPlantedWidth, test_comm());
  other.balance(flat);
}

TEST(GateTrainer, GoesThroughItsBatchesAgainAndAgain) {
  GateOptions options = small_options();
  options.steps = 7;
  options.batches = 3;
  options.seed = 5;
  std::vector<int64_t> asked;
  const auto source = planted(test::linear_gain);
  const auto noted = [&](int64_t batch, int64_t first, int64_t count) {
    asked.push_back(batch);
    return source(batch, first, count);
  };
  GateTrainer trainer(options, test::kPlantedWidth, test_comm());
  for (int64_t step = 0; step < options.steps; ++step) trainer.step(step, noted);
  EXPECT_EQ(asked, (std::vector<int64_t>{0, 1, 2, 0, 1, 2, 0}));
}

// What a checkpoint holds is all that the next step depends on.
TEST(GateTrainer, GoesOnFromItsStateToTheSameBits) {
  GateOptions options = small_options();
  options.head.shape = GateShape::kMlp;
  options.objective.budget = GateBudget::kDual;
  options.objective.target = GateTarget::kSoftGain;
  options.steps = 12;
  const auto samples = planted(test::linear_gain);
  GateTrainer whole(options, test::kPlantedWidth, test_comm()),
      second(options, test::kPlantedWidth, test_comm());
  whole.balance(samples);
  std::vector<at::Tensor> saved;
  for (int64_t step = 0; step < 12; ++step) {
    if (step == 5)
      for (const auto& tensor : whole.state().common) saved.push_back(tensor.tensor.clone());
    whole.step(step, samples);
  }
  const auto restored = second.state().common, expected = whole.state().common;
  for (size_t i = 0; i < saved.size(); ++i) restored[i].tensor.copy_(saved[i]);
  for (int64_t step = 5; step < 12; ++step) second.step(step, samples);
  EXPECT_GT(whole.multiplier(), 0);
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(at::equal(second.state().common[i].tensor, expected[i].tensor)) << expected[i].name;
}

/// Samples of which the last rank spoils one.
SampleSource spoilt(at::Tensor GateSamples::*tensor) {
  const auto source = planted(test::linear_gain);
  return [source, tensor](int64_t batch, int64_t first, int64_t count) {
    GateSamples samples = source(batch, first, count);
    if (test_comm().rank() == test_comm().size() - 1)
      (samples.*tensor).flatten()[0].fill_(std::numeric_limits<float>::quiet_NaN());
    return samples;
  };
}

TEST(GateTrainer, WhatIsNotFiniteChangesNoWeightAndNamesTheRank) {
  const std::string rank = concat(" on rank ", test_comm().size() - 1);
  // A comparison with no number is false: that a loss of the model is none, no label tells.
  for (const auto& [tensor, fault] : {std::pair{&GateSamples::first_BT, "the model's loss"},
                                      {&GateSamples::second_BT, "the model's loss"},
                                      {&GateSamples::best_BT, "the model's loss"},
                                      {&GateSamples::state_BTD, "the loss of the head"}}) {
    GateTrainer trainer(small_options(), test::kPlantedWidth, test_comm());
    trainer.balance(planted(test::linear_gain));
    trainer.step(0, planted(test::linear_gain));
    const at::Tensor before = trainer.head().list()[0].tensor.detach().clone();
    EXPECT_EQ(trainer.step(1, spoilt(tensor)).fault, fault + rank);
    EXPECT_TRUE(at::equal(trainer.head().list()[0].tensor, before));
  }
}

TEST(GateMeasure, RefusesScoresThatAreNotFinite) {
  const GateOptions options = small_options();
  const GateTrainer trainer(options, test::kPlantedWidth, test_comm());
  EXPECT_THAT(error_of(ExitCode::kFailure,
                       [&] {
                         (void)measure_gate(trainer.head(), options.head, options.objective,
                                            spoilt(&GateSamples::second_BT), 8, test_comm());
                       }),
              testing::HasSubstr(concat("not finite, on rank ", test_comm().size() - 1)));
}

}  // namespace
}  // namespace reprise
