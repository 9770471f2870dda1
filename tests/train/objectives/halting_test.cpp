// The objectives that train a halting head, and summed readouts under every other objective.
#include "train/objectives/halting.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/cost/flops.h"
#include "tests/models/gradient_check.h"
#include "tests/train/objective_case.h"
#include "train/halting_losses.h"

namespace reprise {
namespace {
using test::Case;
using test::complaint;
using test::gated;
using test::kSeed;
using test::loss_of;
using testing::ElementsAre;
using testing::HasSubstr;

ModelOptions halting_model(Halting halting) {
  ModelOptions model = test::tiny_recurrent();
  model.passes = 4;
  model.halting = halting;
  model.halt_floor = 2;
  return model;
}

/// What a network says of a case's batch.
struct Said {
  explicit Said(const Case& with)
      : network(with.network()),
        targets_BT(with.batch().targets_BT),
        base(network.base_passes(with.batch().inputs_BT, {.all_passes = true})) {}

  at::Tensor halted() const { return network.cross_entropy(base.features_BTD, targets_BT); }
  /// Cross-entropies of the passes from the floor on.
  std::vector<at::Tensor> from_floor() const {
    std::vector<at::Tensor> nats;
    for (int64_t pass = network.options().halt_floor - 1; pass < base.passes; ++pass)
      nats.push_back(network.cross_entropy(network.readout(base, pass), targets_BT));
    return nats;
  }
  at::Tensor log_p() const { return log_exit_probabilities(base.halt_scores_QM); }

  Network network;
  at::Tensor targets_BT;
  BasePasses base;
};

double total(const at::Tensor& values) { return values.sum().item<double>(); }

std::vector<double> numbers(const std::vector<LossPart>& parts) {
  std::vector<double> values;
  for (const LossPart& part : parts) {
    EXPECT_EQ(part.tokens, 12);
    values.push_back(part.nats.item<double>());
  }
  return values;
}

auto near(double value) { return testing::DoubleNear(value, 1e-9); }

TEST(ActObjective, IsTheLossOfTheMeanStateAndThePriceOfPondering) {
  const Case with(halting_model(Halting::kMixture));
  ObjectiveOptions options{.kind = ObjectiveKind::kAct};
  options.halting.ponder_cost = 0.3;
  const Said said(with);
  const Pondering pondering = ponder(said.base.halt_scores_QM);
  const double cost = total(pondering.halted_M + 2 + pondering.remainder_M);
  const Loss loss = loss_of(options, with);
  EXPECT_NEAR(total(loss.nats), total(said.halted()) + 0.3 * cost, 1e-9);
  EXPECT_THAT(numbers(loss.parts), ElementsAre(near(total(said.halted()))));
  EXPECT_THAT(numbers(loss.measures),
              ElementsAre(near(total(expected_passes(pondering.weights, 2))),
                          near(total(pondering.halted_M + 2)), near(cost)));
  const auto objective = make_objective(options, with.model, kSeed);
  EXPECT_THAT(objective->parts({0, 100}), ElementsAre("halted"));
  EXPECT_THAT(objective->measures(),
              ElementsAre("expected_passes", "halted_passes", "ponder_cost"));
  EXPECT_DOUBLE_EQ(objective->flops_per_token({0, 100}),
                   3 * base_flops(with.model, mean_position(with.model)));
}

TEST(PonderNetObjective, IsTheExpectedLossAndTheDivergenceFromThePrior) {
  const Case with(halting_model(Halting::kExit));
  ObjectiveOptions options{.kind = ObjectiveKind::kPonderNet};
  options.halting = {.beta = 0.3, .prior = 0.4};
  const Said said(with);
  const double expected = total(expected_nats(said.log_p(), said.from_floor())),
               divergence = total(prior_divergence(said.log_p(), 0.4));
  const Loss loss = loss_of(options, with);
  EXPECT_NEAR(total(loss.nats), expected + 0.3 * divergence, 1e-9);
  EXPECT_THAT(numbers(loss.parts), ElementsAre(near(total(said.halted())), near(expected)));
  EXPECT_THAT(numbers(loss.measures),
              ElementsAre(near(total(expected_passes(said.log_p().exp(), 2))),
                          near(total(said.base.exits_M)), near(divergence)));
  const auto objective = make_objective(options, with.model, kSeed);
  EXPECT_THAT(objective->parts({0, 100}), ElementsAre("halted", "expected"));
  EXPECT_THAT(objective->measures(),
              ElementsAre("expected_passes", "halted_passes", "halting_divergence"));
}

TEST(OuroObjective, IsTheExpectedLossLessTheEntropy) {
  const Case with(halting_model(Halting::kExit));
  ObjectiveOptions options{.kind = ObjectiveKind::kOuro};
  options.halting.beta = 0.3;
  const Said said(with);
  const double expected = total(expected_nats(said.log_p(), said.from_floor())),
               entropy = total(halting_entropy(said.log_p()));
  const Loss loss = loss_of(options, with);
  EXPECT_NEAR(total(loss.nats), expected - 0.3 * entropy, 1e-9);
  EXPECT_NEAR(loss.measures[2].nats.item<double>(), entropy, 1e-9);
  EXPECT_THAT(make_objective(options, with.model, kSeed)->measures(),
              ElementsAre("expected_passes", "halted_passes", "halting_entropy"));
}

// Three readouts there and back, of passes 2 to 4, and that of the prediction there only.
TEST(HaltingObjectives, CostTheReadoutsTheyRead) {
  const ModelOptions model = halting_model(Halting::kExit);
  const PassWork work = mean_position(model);
  const double expected =
      3 * base_flops(model, work) - 2 * readout_flops(model, work) + 9 * readout_flops(model, work);
  for (const auto kind : {ObjectiveKind::kPonderNet, ObjectiveKind::kOuro})
    EXPECT_DOUBLE_EQ(make_objective({.kind = kind}, model, kSeed)->flops_per_token({0, 100}),
                     expected);
}

TEST(HaltingObjectives, WeighTokensLossesAndNothingElse) {
  for (const auto& [kind, halting] : {std::pair{ObjectiveKind::kAct, Halting::kMixture},
                                      {ObjectiveKind::kOuro, Halting::kExit}}) {
    SCOPED_TRACE(enum_name(kind));
    const Case with(halting_model(halting));
    const Said said(with);
    const at::Tensor weights =
        hard_weights(entropy_nats(said.network.logits(said.base.features_BTD)));
    const at::Tensor nats = kind == ObjectiveKind::kAct
                                ? said.halted()
                                : expected_nats(said.log_p(), said.from_floor());
    ObjectiveOptions options{.kind = kind};
    const double plain = total(loss_of(options, with).nats);
    options.tokens = TokenWeighting::kHard;
    EXPECT_NEAR(total(loss_of(options, with).nats), plain + total((weights - 1) * nats), 1e-9);
  }
}

TEST(HaltingObjectives, GradientsAgreeWithDifferences) {
  for (const auto& [kind, halting] : {std::pair{ObjectiveKind::kAct, Halting::kMixture},
                                      {ObjectiveKind::kPonderNet, Halting::kExit},
                                      {ObjectiveKind::kOuro, Halting::kExit}}) {
    SCOPED_TRACE(enum_name(kind));
    const Case with(halting_model(halting));
    ObjectiveOptions options{.kind = kind};
    options.halting = {.ponder_cost = 0.3, .beta = 0.3};
    std::vector<at::Tensor> leaves = with.some_leaves();
    leaves.push_back(with.parameters["halt.weight"]);
    leaves.push_back(with.parameters["halt.bias"]);
    test::expect_gradients([&] { return loss_of(options, with).nats / 12; }, leaves);
  }
}

TEST(SummedReadout, IsWhatEveryObjectiveReads) {
  ModelOptions model = test::tiny_recurrent();
  model.readout = Readout::kSum;
  const Case with(model);
  const ObjectiveOptions deep{.kind = ObjectiveKind::kDeepSupervision};
  EXPECT_NEAR(total(loss_of({}, with).nats), test::nats_of_pass(with, 1), 1e-9);
  EXPECT_NEAR(total(loss_of(deep, with).nats),
              (test::nats_of_pass(with, 0) + test::nats_of_pass(with, 1)) / 2, 1e-9);
  for (const auto& options : {ObjectiveOptions{}, deep, gated(1.0, 0.3)}) {
    SCOPED_TRACE(enum_name(options.kind));
    test::expect_gradients([&] { return loss_of(options, with).nats / 12; }, with.some_leaves());
  }
}

// A model of two passes runs its coda twice, and reads an earlier pass by the head alone.
TEST(SummedReadout, CostsACodaAPass) {
  ModelOptions model = test::tiny_recurrent();
  const PassWork work = mean_position(model);
  const double plain = base_flops(model, work), coda_and_head = readout_flops(model, work);
  model.readout = Readout::kSum;
  const double head = readout_flops(model, work);
  EXPECT_DOUBLE_EQ(head, 2 * 8 * 11);
  EXPECT_DOUBLE_EQ(base_flops(model, work), plain + coda_and_head - head);
  EXPECT_DOUBLE_EQ(refinement_flops(model, work), refinement_flops(test::tiny_recurrent(), work));
}

TEST(HaltingHead, CostsItsProduct) {
  ModelOptions model = test::tiny_recurrent();
  model.passes = 4;
  const PassWork work = mean_position(model);
  const double plain = base_flops(model, work);
  model.halting = Halting::kExit;
  model.halt_floor = 2;
  EXPECT_DOUBLE_EQ(base_flops(model, work), plain + 2 * 2 * 8);
}

TEST(HaltingObjectives, RefuseWhatContradicts) {
  const ModelOptions plain = test::tiny_recurrent(), exit = halting_model(Halting::kExit),
                     mixture = halting_model(Halting::kMixture);
  const ObjectiveOptions act{.kind = ObjectiveKind::kAct}, ouro{.kind = ObjectiveKind::kOuro};
  EXPECT_EQ(complaint(act, mixture), "");
  EXPECT_EQ(complaint(ouro, exit), "");
  EXPECT_THAT(complaint(act, plain),
              HasSubstr("act trains the head of model.halting mixture; it is none"));
  EXPECT_THAT(complaint(act, exit), HasSubstr("mixture; it is exit"));
  EXPECT_THAT(complaint(ouro, mixture), HasSubstr("exit; it is mixture"));
  for (const auto kind : {ObjectiveKind::kFinalOnly, ObjectiveKind::kDeepSupervision,
                          ObjectiveKind::kGatedRefinement})
    EXPECT_THAT(complaint({.kind = kind}, exit),
                HasSubstr("does not train the head of model.halting exit"));

  ObjectiveOptions drawn = ouro, delayed = ouro, cut = ouro, terms = act;
  drawn.depth.draw = DepthDraw::kUniform;
  delayed.depth.delay_share = 0.5;
  cut.depth.graph_passes = 2;
  for (const auto& options : {drawn, delayed, cut})
    EXPECT_THAT(complaint(options, exit), HasSubstr("decides the passes of every token itself"));
  terms.terms.monotone = 1;
  EXPECT_THAT(complaint(terms, mixture), HasSubstr("predicts from no pass alone"));
  terms.terms = {.shortcut_state = 1, .norm_change = 1};
  EXPECT_EQ(complaint(terms, mixture), "");

  ObjectiveOptions values = ouro;
  values.halting.beta = -1;
  EXPECT_THAT(complaint(values, exit), HasSubstr("train.halt-beta is -1"));
  values.halting = {.ponder_cost = 1e7};
  EXPECT_THAT(complaint(values, exit), HasSubstr("train.ponder-cost is"));
  values.halting = {.prior = 1};
  EXPECT_THAT(complaint(values, exit), HasSubstr("train.halt-prior is 1"));
}

TEST(SummedReadout, NeedsSomethingToSum) {
  ModelOptions once = test::tiny_recurrent();
  once.readout = Readout::kSum;
  EXPECT_EQ(complaint({}, once), "");
  once.passes = 1;
  EXPECT_THAT(complaint({}, once), HasSubstr("model.readout sum has nothing to add up"));
  EXPECT_THAT(complaint(gated(0, 0.3), once), HasSubstr("nothing to add up"));
  EXPECT_EQ(complaint(gated(0.5, 0.3), once), "");
  ModelOptions fixed = test::tiny_static();
  fixed.readout = Readout::kSum;
  EXPECT_THAT(complaint({}, fixed), HasSubstr("nothing to add up"));
  EXPECT_EQ(complaint(gated(0.5, 0.3), fixed), "");
}

}  // namespace
}  // namespace reprise
