#include "train/objectives/expert_load.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>

#include "tests/models/gradient_check.h"
#include "tests/models/tiny_models.h"
#include "tests/train/objective_case.h"

namespace reprise {
namespace {

using test::Case;
using test::complaint;
using test::loss_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(ChoiceImbalance, IsZeroWhereAllExpertsAreTakenAlike) {
  EXPECT_NEAR(choice_imbalance(at::zeros({6, 1, 4}, at::kDouble), 2).item<double>(), 0, 1e-12);
  // Two experts taken by turns: each token is sure of itself, the sequence is balanced.
  const at::Tensor turns =
      at::tensor({9.0, 0.0, 0.0, 9.0, 9.0, 0.0, 0.0, 9.0}, at::kDouble).view({4, 1, 2});
  EXPECT_NEAR(choice_imbalance(turns, 1).item<double>(), 0, 1e-12);
}

TEST(ChoiceImbalance, ByHand) {
  // Probabilities 3/4 and 1/4 at each of two tokens; the other sequence is balanced.
  const double odds = std::log(3.0);
  const at::Tensor logits =
      at::tensor({odds, 0.0, odds, 0.0, 0.0, 0.0, 0.0, 0.0}, at::kDouble).view({4, 1, 2});
  const double missing = std::log(2.0) + 0.75 * std::log(0.75) + 0.25 * std::log(0.25);
  EXPECT_NEAR(choice_imbalance(logits, 2).item<double>(), 2 * missing, 1e-12);
}

TEST(ChoiceImbalance, IsASumOverSequences) {
  const at::Tensor logits = test::normal_tensor({12, 2, 3}, 1, at::kDouble);
  const double halves = choice_imbalance(logits.slice(0, 0, 6), 1).item<double>() +
                        choice_imbalance(logits.slice(0, 6, 12), 1).item<double>();
  EXPECT_NEAR(choice_imbalance(logits, 2).item<double>(), halves, 1e-12);
}

TEST(ChoiceImbalance, HasTheNumericGradient) {
  const at::Tensor logits = test::normal_tensor({6, 2, 3}, 1, at::kDouble).requires_grad_();
  test::expect_gradients([&] { return choice_imbalance(logits, 2); }, {logits});
}

ModelOptions two_choices() {
  ModelOptions model = test::tiny_moe_attention();
  model.experts.attention_count = 2;
  return model;
}

TEST(ExpertLoad, CountsWhatEveryRouterChose) {
  const ModelOptions model = two_choices();
  EXPECT_THAT(load_names(model),
              ElementsAre("load.1.value.0", "load.1.value.1", "load.1.output.0", "load.1.output.1",
                          "load.1.mlp.0", "load.1.mlp.1", "load.1.mlp.2"));
  const Case with(model);
  const Loss loss = loss_of({}, with);
  ASSERT_THAT(loss.measures, SizeIs(7));
  const auto share = [&](size_t expert) {
    const LossPart& count = loss.measures[expert];
    return count.nats.item<double>() / static_cast<double>(count.tokens);
  };
  EXPECT_EQ(loss.measures[0].tokens, 2 * 12 * 1) << "two passes, 12 tokens, one key/value head";
  EXPECT_EQ(loss.measures[2].tokens, 2 * 12 * 2) << "and two query heads";
  EXPECT_EQ(loss.measures[4].tokens, 2 * 12 * 2) << "two experts of the MLP for each token";
  EXPECT_NEAR(share(0) + share(1), 1, 1e-12);
  EXPECT_NEAR(share(2) + share(3), 1, 1e-12);
  EXPECT_NEAR(share(4) + share(5) + share(6), 1, 1e-12);
}

TEST(ExpertLoad, IsCountedWithEveryObjectiveAndNamed) {
  const ModelOptions model = two_choices();
  ObjectiveOptions options = test::gated(0.5, 0.3);
  options.terms.balance = 0.1;
  const auto objective = make_objective(options, model, test::kSeed);
  const auto names = objective->parts({0, 100});
  EXPECT_THAT(names, SizeIs(4 + 1));
  EXPECT_EQ(names[4], "balance");
  EXPECT_EQ(objective->measures(), load_names(model));
  const Loss loss = loss_of(options, Case(model));
  EXPECT_THAT(loss.parts, SizeIs(names.size()));
  EXPECT_THAT(loss.measures, SizeIs(7));
}

TEST(Balance, IsTheMeanOverTheRouters) {
  const Case with(two_choices());
  ObjectiveOptions options;
  options.terms.balance = 0.25;
  const BasePasses base = with.network().base_passes(with.batch().inputs_BT, {.routers = true});
  ASSERT_THAT(base.routers, SizeIs(6));  // three routers, two passes
  double sum = 0;
  for (const RouterUse& router : base.routers)
    sum += choice_imbalance(router.logits_MSX, 2).item<double>() / 6;
  const Loss plain = loss_of({}, with), balanced = loss_of(options, with);
  EXPECT_NEAR(balanced.nats.item<double>(), plain.nats.item<double>() + 0.25 * sum, 1e-9);
  EXPECT_NEAR(balanced.parts[1].nats.item<double>(), sum, 1e-9);
}

TEST(Balance, HasTheNumericGradient) {
  const Case with(two_choices());
  ObjectiveOptions options;
  options.terms.balance = 0.25;
  std::vector<at::Tensor> routers;
  for (const Parameter& parameter : with.parameters.list())
    if (parameter.name.ends_with(".router")) routers.push_back(parameter.tensor);
  ASSERT_THAT(routers, SizeIs(3));
  test::expect_gradients([&] { return loss_of(options, with).nats / 12; }, routers);
}

TEST(Balance, LeavesOutPassesWithoutAGraph) {
  ModelOptions model = two_choices();
  model.passes = 3;
  model.reinjection = Reinjection::kMix;  // so that the prelude learns too
  const Case with(model);
  ObjectiveOptions options;
  options.terms.balance = 1;
  options.depth.graph_passes = 1;
  const BasePasses base =
      with.network().base_passes(with.batch().inputs_BT, {.routers = true}, {.graph_passes = 1});
  double last = 0;
  for (size_t i = 6; i < 9; ++i)
    last += choice_imbalance(base.routers[i].logits_MSX, 2).item<double>() / 3;
  EXPECT_NEAR(loss_of(options, with).parts[1].nats.item<double>(), last, 1e-9);
}

TEST(Balance, NeedsExperts) {
  ObjectiveOptions options;
  options.terms.balance = 0.1;
  EXPECT_THAT(complaint(options, test::tiny_recurrent()),
              HasSubstr("train.balance spreads tokens over experts; the recurrent family"));
  options.terms.balance = -1;
  EXPECT_THAT(complaint(options, test::tiny_moe()), HasSubstr("train.balance is -1"));
}

}  // namespace
}  // namespace reprise
