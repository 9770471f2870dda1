// Depth, terms, token weights and the code penalty, as an objective puts them together.
#include <gmock/gmock.h>

#include "models/cost/flops.h"
#include "tests/models/gradient_check.h"
#include "tests/train/objective_case.h"

namespace reprise {
namespace {
using test::Case;
using test::gated;
using test::kSeed;
using test::loss_of;
using test::nats_of_pass;
using test::part_of;
using testing::ElementsAre;

/// Four passes, so that there are early ones; no prelude, so that truncation may be constant.
Case deep_case() {
  ModelOptions model = test::tiny_recurrent();
  model.passes = 4;
  model.prelude = 0;
  model.coda = 2;
  return Case(model);
}

TEST(Depths, ADrawnDepthIsTheModelOfThatManyPasses) {
  const Case with = deep_case();
  ObjectiveOptions options;
  options.depth.draw = DepthDraw::kUniform;
  const auto objective = make_objective(options, with.model, kSeed);
  for (int64_t step = 0; step < 8; ++step) {
    const int64_t passes = objective->depth({step, 100}).passes;
    EXPECT_NEAR(loss_of(options, with, step).nats.item<double>(), nats_of_pass(with, passes - 1),
                1e-9);
    ModelOptions shallow = with.model;
    shallow.passes = passes;
    EXPECT_DOUBLE_EQ(objective->flops_per_token({step, 100}),
                     3 * base_flops(shallow, mean_position(shallow)));
  }
}

TEST(Depths, DelayedRefinementIsTheCoarseLossOfOnePass) {
  const Case with = deep_case();
  ObjectiveOptions options = gated(0.5, 0.25);
  options.depth.delay_share = 0.5;
  const auto objective = make_objective(options, with.model, kSeed);
  EXPECT_NEAR(loss_of(options, with, 49).nats.item<double>(), 1.25 * nats_of_pass(with, 0), 1e-9);
  EXPECT_THAT(objective->parts({49, 100}), ElementsAre("gated", "coarse"));
  EXPECT_THAT(objective->parts({50, 100}),
              ElementsAre("gated", "coarse", "refined", "refined_before"));
  EXPECT_LT(objective->flops_per_token({49, 100}), objective->flops_per_token({50, 100}) / 2);
}

TEST(Depths, TruncatedPassesAreNotSupervisedAndCostOnlyForward) {
  const Case with = deep_case();
  ObjectiveOptions options{.kind = ObjectiveKind::kDeepSupervision};
  options.depth.graph_passes = 2;
  const auto objective = make_objective(options, with.model, kSeed);
  EXPECT_THAT(objective->parts({0, 100}), ElementsAre("pass_4", "pass_3"));
  EXPECT_NEAR(loss_of(options, with).nats.item<double>(),
              (nats_of_pass(with, 3) + nats_of_pass(with, 2)) / 2, 1e-9);
  const PassWork work = mean_position(with.model);
  ModelOptions recorded = with.model;
  recorded.passes = 2;
  EXPECT_DOUBLE_EQ(objective->flops_per_token({0, 100}), base_flops(with.model, work) +
                                                             2 * base_flops(recorded, work) +
                                                             3 * readout_flops(with.model, work));
}

TEST(Terms, AreAddedByTheirWeightsAndNamed) {
  const Case with = deep_case();
  const Network network = with.network();
  const BasePasses base = network.base_passes(with.batch().inputs_BT, {.all_passes = true});
  const auto nats = [&](int64_t pass) {
    return network.cross_entropy(network.readout(base, pass), with.batch().targets_BT);
  };
  const auto state = [&](size_t pass) { return base.streams_P[pass].hidden_MD; };
  double worse = 0, change = 0;
  for (int64_t pass = 1; pass < 4; ++pass) {
    worse += monotone(nats(pass - 1), nats(pass), 0.1).item<double>() / 3;
    const auto at = static_cast<size_t>(pass);
    change += norm_change(state(at - 1), state(at)).item<double>() / 3;
  }
  const double distance = state_distance(state(3), state(1)).item<double>();
  const double divergence = prediction_distance(network.logits(network.readout(base, 3)),
                                                network.logits(network.readout(base, 1)))
                                .item<double>();

  ObjectiveOptions options;
  options.terms = {.monotone = 0.5,
                   .monotone_margin = 0.1,
                   .shortcut_pass = 2,
                   .shortcut_loss = 0.25,
                   .shortcut_state = 2,
                   .shortcut_kl = 3,
                   .norm_change = 4};
  EXPECT_THAT(
      make_objective(options, with.model, kSeed)->parts({0, 100}),
      ElementsAre("final", "monotone", "shortcut", "shortcut_state", "shortcut_kl", "norm_change"));
  EXPECT_NEAR(part_of(options, with, "monotone"), worse, 1e-9);
  EXPECT_NEAR(part_of(options, with, "shortcut_state"), distance, 1e-9);
  EXPECT_NEAR(part_of(options, with, "shortcut_kl"), divergence, 1e-9);
  EXPECT_NEAR(part_of(options, with, "norm_change"), change, 1e-9);
  EXPECT_NEAR(loss_of(options, with).nats.item<double>(),
              nats_of_pass(with, 3) + 0.5 * worse + 0.25 * nats_of_pass(with, 1) + 2 * distance +
                  3 * divergence + 4 * change,
              1e-8);
}

TEST(Terms, OfPassesThatAStepDoesNotRunAreLeftOut) {
  const Case with = deep_case();
  ObjectiveOptions options;
  options.terms = {.monotone = 1, .shortcut_pass = 2, .shortcut_kl = 1};
  options.depth.delay_share = 0.5;
  const auto objective = make_objective(options, with.model, kSeed);
  EXPECT_THAT(objective->parts({0, 100}), ElementsAre("final"));
  EXPECT_NEAR(loss_of(options, with).nats.item<double>(), nats_of_pass(with, 0), 1e-9);
  EXPECT_THAT(objective->parts({50, 100}), ElementsAre("final", "monotone", "shortcut_kl"));
  ObjectiveOptions plain;
  plain.depth = options.depth;
  EXPECT_EQ(objective->flops_per_token({0, 100}),
            make_objective(plain, with.model, kSeed)->flops_per_token({0, 100}));
}

TEST(Terms, ShareReadoutsInTheCost) {
  const Case with = deep_case();
  const PassWork work = mean_position(with.model);
  ObjectiveOptions options{.kind = ObjectiveKind::kDeepSupervision};
  const double deep = make_objective(options, with.model, kSeed)->flops_per_token({0, 100});
  options.terms.monotone = 1;  // reads passes that are read already
  EXPECT_EQ(make_objective(options, with.model, kSeed)->flops_per_token({0, 100}), deep);
  options.kind = ObjectiveKind::kFinalOnly;
  EXPECT_DOUBLE_EQ(make_objective(options, with.model, kSeed)->flops_per_token({0, 100}), deep);
  options.terms = {.shortcut_kl = 1};
  EXPECT_DOUBLE_EQ(
      make_objective(options, with.model, kSeed)->flops_per_token({0, 100}),
      3 * base_flops(with.model, work) + 3 * readout_flops(with.model, work) + 4 * 2 * 8 * 11);
}

TEST(TokenWeights, WeighThePrimaryLossAndNotItsParts) {
  const Case with(test::tiny_recurrent());
  const Network network = with.network();
  const at::Tensor features = network.base_passes(with.batch().inputs_BT).features_BTD;
  const at::Tensor nats = network.cross_entropy(features, with.batch().targets_BT);
  const at::Tensor weights = hard_weights(entropy_nats(network.logits(features)));
  ObjectiveOptions options{.tokens = TokenWeighting::kHard};
  EXPECT_NEAR(loss_of(options, with).nats.item<double>(), (weights * nats).sum().item<double>(),
              1e-9);
  EXPECT_NEAR(part_of(options, with, "final"), nats.sum().item<double>(), 1e-9);

  options.tokens = TokenWeighting::kShuffled;
  const RandomStream stream(kSeed, Purpose::kTokenShuffle, 3);
  EXPECT_NEAR(loss_of(options, with, 3).nats.item<double>(),
              (shuffled_weights(weights, stream, 0) * nats).sum().item<double>(), 1e-9);
}

TEST(TokenWeights, OfGatedRefinementWeighBothPasses) {
  const Case with(test::tiny_recurrent());
  ObjectiveOptions options = gated(1.0, 0.5);
  options.tokens = TokenWeighting::kHard;
  const Network network = with.network();
  const BasePasses base = network.base_passes(with.batch().inputs_BT, {.keys = true});
  const at::Tensor coarse = network.cross_entropy(base.features_BTD, with.batch().targets_BT);
  const at::Tensor refined =
      network.cross_entropy(network.refine_all(base), with.batch().targets_BT);
  const at::Tensor weights = hard_weights(entropy_nats(network.logits(base.features_BTD)));
  EXPECT_NEAR(loss_of(options, with).nats.item<double>(),
              (weights * refined + 0.5 * weights * coarse).sum().item<double>(), 1e-9);
}

TEST(CodePenalty, IsAddedOncePerToken) {
  ModelOptions model = test::tiny_recurrent();
  model.width = 32, model.heads = 4, model.kv_heads = 4;
  const Case with(model);
  ObjectiveOptions options;
  options.weights.code_entropy = 0.1;
  const double bits = mean_code_bits(options.weights, with.parameters).item<double>();
  EXPECT_GT(bits, 1);
  EXPECT_NEAR(part_of(options, with, "code_bits"), 12 * bits, 1e-9);
  EXPECT_NEAR(loss_of(options, with).nats.item<double>(), nats_of_pass(with, 1) + 1.2 * bits, 1e-8);
}

// Only where nothing is detached can differences see what autograd does; the detached parts are
// held to PyTorch (objectives/golden_test.cpp).
TEST(Terms, GradientsAgreeWithDifferences) {
  const Case with = deep_case();
  ObjectiveOptions norms, shortcut, drawn;
  norms.terms.norm_change = 1;
  shortcut.terms = {.shortcut_pass = 2, .shortcut_loss = 1};
  drawn.depth.draw = DepthDraw::kUniform;
  drawn.kind = ObjectiveKind::kDeepSupervision;
  for (const auto& options : {norms, shortcut, drawn})
    test::expect_gradients(
        [&] { return loss_of(options, with, 5).nats / 12; },
        {with.parameters["layer.0.mix"], with.parameters["layer.0.attention.gain"],
         with.parameters["layer.0.attention.key"], with.parameters["layer.1.mlp.scale"]});
}

}  // namespace
}  // namespace reprise
