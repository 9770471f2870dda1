// What the frozen model says of a batch, against the network's own parts.
#include "train/gate/observe.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/variants.h"

namespace reprise {
namespace {

struct Frozen {
  explicit Frozen(const ModelOptions& model)
      : options(model), parameters(test::lively_parameters(model, at::kFloat)) {}
  Network network() const {
    const at::NoGradGuard no_grad;
    return Network(options, parameters, at::kFloat);
  }
  Batch batch() const {
    return {test::some_tokens(options, 3, 6, 1), test::some_tokens(options, 3, 6, 2), 4};
  }
  ModelOptions options;
  Parameters parameters;
};

class Observe : public testing::TestWithParam<test::Variant> {};

TEST_P(Observe, GivesTheNetworksOwnLossesAndNoGraph) {
  const Frozen with(GetParam().options);
  const at::NoGradGuard no_grad;
  const Network network = with.network();
  const Batch batch = with.batch();
  const GateSamples samples = observe(network, batch, {}, /*keeps_state=*/true);
  const BasePasses base = network.base_passes(batch.inputs_BT, {.keys = true});
  EXPECT_TRUE(at::equal(samples.state_BTD, base.features_BTD));
  EXPECT_TRUE(
      at::equal(samples.first_BT, network.cross_entropy(base.features_BTD, batch.targets_BT)));
  EXPECT_TRUE(at::equal(samples.second_BT,
                        network.cross_entropy(network.refine_all(base), batch.targets_BT)));
  EXPECT_TRUE(at::equal(samples.best_BT, samples.second_BT));
  EXPECT_TRUE(at::equal(samples.wrong_BT.eq(1),
                        network.logits(base.features_BTD).argmax(-1).ne(batch.targets_BT)));
  EXPECT_FALSE(samples.first_BT.requires_grad());
  EXPECT_EQ(samples.first_sequence, 4);
  EXPECT_FALSE(at::equal(samples.first_BT, samples.second_BT));  // also where layers run once
}

TEST_P(Observe, TakesTheBestOfTheRefinementPassAndLaterBasePasses) {
  if (GetParam().options.halting != Halting::kNone) {
    EXPECT_THROW(validate({.later = 2}, GetParam().options), Error);
    return;
  }
  const Frozen with(GetParam().options);
  const at::NoGradGuard no_grad;
  const Network network = with.network();
  const Batch batch = with.batch();
  const GateSamples samples = observe(network, batch, {.after = 1, .later = 2}, false);
  EXPECT_FALSE(samples.state_BTD.defined());
  at::Tensor best_BT = samples.second_BT;
  for (const int64_t passes : {2, 3})
    best_BT = at::minimum(
        best_BT, network.cross_entropy(
                     network.base_passes(batch.inputs_BT, {}, {.passes = passes}).features_BTD,
                     batch.targets_BT));
  EXPECT_LT(test::relative_difference(samples.best_BT, best_BT), 1e-6);
  EXPECT_GT((samples.second_BT - samples.best_BT).max().item<double>(), 1e-3);
  const GateSamples first = observe(network, batch, {.after = 1}, false);
  EXPECT_TRUE(at::equal(samples.first_BT, first.first_BT));
}

// A head could learn the answer from a later token, or from the target itself.
TEST_P(Observe, WhatAHeadReadsDependsOnEarlierTokensAlone) {
  const Frozen with(GetParam().options);
  const Network network = with.network();
  const Batch batch = with.batch();
  Batch other{batch.inputs_BT.clone(), test::some_tokens(with.options, 3, 6, 3)};
  constexpr int64_t kFrom = 3;
  other.inputs_BT.slice(1, kFrom) = test::some_tokens(with.options, 3, 3, 4);
  const GateSamples a = observe(network, batch, {}, true), b = observe(network, other, {}, true);
  const auto before = [](const at::Tensor& of) { return of.narrow(1, 0, kFrom); };
  EXPECT_LT(test::relative_difference(before(a.state_BTD), before(b.state_BTD)), 1e-6);
  EXPECT_LT(test::relative_difference(before(a.signals_BTS), before(b.signals_BTS)), 1e-5);
  EXPECT_GT(test::relative_difference(before(a.first_BT), before(b.first_BT)), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Models, Observe, testing::ValuesIn(test::variants()), test::variant_name);

TEST(GateSignals, OfALogitByHand) {
  const at::Tensor logits = at::tensor({0.5, 0.25, 0.25}, at::kDouble).log().view({1, 3});
  const at::Tensor signals = gate_signals(logits)[0];
  EXPECT_NEAR(signals[0].item<double>(), 1.5 * std::log(2) / std::log(3), 1e-14);
  EXPECT_NEAR(signals[1].item<double>(), 0.25, 1e-14);
  EXPECT_NEAR(signals[2].item<double>(), 0.5, 1e-14);
}

TEST(GateSignals, OfAnEvenPredictionAndOfACertainOne) {
  const at::Tensor signals = gate_signals(at::tensor({0.0, 0.0, 80.0, 0.0}).view({2, 2}));
  EXPECT_TRUE(at::allclose(signals[0], at::tensor({1.0, 0.0, 0.5}).to(signals.scalar_type())));
  EXPECT_TRUE(at::allclose(signals[1], at::tensor({0.0, 1.0, 1.0}).to(signals.scalar_type())));
}

}  // namespace
}  // namespace reprise
