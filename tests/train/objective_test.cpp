#include "train/objective.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "models/cost.h"
#include "tests/models/gradient_check.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

struct Case {
  explicit Case(const ModelOptions& options, at::ScalarType type = at::kDouble)
      : model(options), parameters(test::lively_parameters(options, type)), type_(type) {}
  Network network() const { return Network(model, parameters, type_); }
  /// One parameter of each kind: tests/models checks that all of them get gradients.
  std::vector<at::Tensor> some_leaves() const {
    return {parameters["layer.0.mix"], parameters["layer.1.attention.gain"],
            parameters["layer.1.attention.key"], parameters["layer.2.mlp.scale"]};
  }
  Batch batch() const {
    return {test::some_tokens(model, 2, 6, 1), test::some_tokens(model, 2, 6, 2)};
  }

  ModelOptions model;
  Parameters parameters;

 private:
  at::ScalarType type_;
};

constexpr uint64_t kSeed = 1;

/// Step `percent` of 100.
Loss loss_of(const ObjectiveOptions& options, const Case& with, int64_t percent = 0) {
  const auto objective = make_objective(options, with.model, kSeed);
  return objective->loss(with.network(), with.parameters, with.batch(), {percent, 100});
}

double part_of(const ObjectiveOptions& options, const Case& with, const std::string& name,
               int64_t percent = 0) {
  const auto names = make_objective(options, with.model, kSeed)->parts({percent, 100});
  const auto at = std::ranges::find(names, name) - names.begin();
  return loss_of(options, with, percent).parts.at(static_cast<size_t>(at)).nats.item<double>();
}

std::string complaint(const ObjectiveOptions& options, const ModelOptions& model) {
  try {
    validate(options, model);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

double nats_of_pass(const Case& with, int64_t pass) {
  const Network network = with.network();
  const BasePasses base = network.base_passes(with.batch().inputs_BT, {.all_passes = true});
  return network.cross_entropy(network.readout(base, pass), with.batch().targets_BT)
      .sum()
      .item<double>();
}

TEST(FinalOnly, IsTheLastPassesCrossEntropy) {
  const Case with(test::tiny_recurrent());
  const Loss loss = loss_of({}, with);
  EXPECT_NEAR(loss.nats.item<double>(), nats_of_pass(with, 1), 1e-9);
  ASSERT_EQ(loss.parts.size(), 1u);
  EXPECT_NEAR(loss.parts[0].nats.item<double>(), nats_of_pass(with, 1), 1e-9);
  EXPECT_EQ(loss.parts[0].tokens, 12);
}

TEST(DeepSupervisionObjective, WeighsThePasses) {
  const Case with(test::tiny_recurrent());
  const ObjectiveOptions options{.kind = ObjectiveKind::kDeepSupervision,
                                 .passes = {.weighting = PassWeighting::kGeometric, .decay = 0.5}};
  const Loss loss = loss_of(options, with);
  EXPECT_NEAR(loss.nats.item<double>(), (0.5 * nats_of_pass(with, 0) + nats_of_pass(with, 1)) / 1.5,
              1e-9);
  EXPECT_THAT(make_objective(options, with.model, kSeed)->parts({0, 100}),
              ElementsAre("pass_2", "pass_1"));
}

TEST(DeepSupervisionObjective, AnnealedEndsAsFinalOnlyAndCostsNoMore) {
  const Case with(test::tiny_recurrent());
  const ObjectiveOptions options{
      .kind = ObjectiveKind::kDeepSupervision,
      .passes = {.weighting = PassWeighting::kAnnealed, .anneal_share = 0.5}};
  const auto objective = make_objective(options, with.model, kSeed),
             final_only = make_objective({}, with.model, kSeed);
  EXPECT_NEAR(loss_of(options, with, 50).nats.item<double>(), nats_of_pass(with, 1), 1e-9);
  EXPECT_THAT(objective->parts({50, 100}), ElementsAre("pass_2"));
  EXPECT_EQ(objective->flops_per_token({50, 100}), final_only->flops_per_token({50, 100}));
  EXPECT_GT(objective->flops_per_token({0, 100}), final_only->flops_per_token({0, 100}));
}

ObjectiveOptions gated(double share, double kappa) {
  return {.kind = ObjectiveKind::kGatedRefinement, .refine_share = share, .kappa = kappa};
}

// The sparse pass over the picked rows against the masked-dense one over everything.
TEST(GatedRefinementObjective, IsTheMaskedDenseLoss) {
  const Case with(test::tiny_recurrent());
  const Network network = with.network();
  const Batch batch = with.batch();
  const BasePasses base = network.base_passes(batch.inputs_BT, {.keys = true});
  const at::Tensor coarse_BT = network.cross_entropy(base.features_BTD, batch.targets_BT);
  const at::Tensor rows_M =
      pick_most_uncertain(entropy_nats(network.logits(base.features_BTD)), 0.5);
  const at::Tensor mask_BT = at::zeros({12}, at::kBool).index_fill(0, rows_M, 1).view({2, 6});
  const at::Tensor dense_BT =
      network.cross_entropy(network.refine_masked(base, mask_BT), batch.targets_BT);
  const at::Tensor expected = at::where(mask_BT, dense_BT, coarse_BT).sum() + 0.3 * coarse_BT.sum();

  const Loss loss = loss_of(gated(0.5, 0.3), with);
  EXPECT_EQ(rows_M.numel(), 6);
  EXPECT_NEAR(loss.nats.item<double>(), expected.item<double>(), 1e-9);
  // gated = coarse - refined_before + refined
  EXPECT_NEAR(loss.parts[0].nats.item<double>(),
              loss.parts[1].nats.item<double>() - loss.parts[3].nats.item<double>() +
                  loss.parts[2].nats.item<double>(),
              1e-9);
  EXPECT_NEAR(loss.nats.item<double>(),
              loss.parts[0].nats.item<double>() + 0.3 * loss.parts[1].nats.item<double>(), 1e-9);
  EXPECT_EQ(loss.parts[2].tokens, 6);
}

TEST(GatedRefinementObjective, WithNothingRefinedIsTheCoarseLoss) {
  const Case with(test::tiny_recurrent());
  EXPECT_NEAR(loss_of(gated(0, 0.25), with).nats.item<double>(), 1.25 * nats_of_pass(with, 1),
              1e-9);
}

// Moving a weight by the step of the differences must not change which rows are picked; at share 1
// it cannot.
TEST(Objectives, GradientsAgreeWithDifferences) {
  const Case with(test::tiny_recurrent());
  const ObjectiveOptions deep{.kind = ObjectiveKind::kDeepSupervision};
  for (const auto& options : {ObjectiveOptions{}, deep, gated(1.0, 0.3), gated(0.5, 0.3)}) {
    SCOPED_TRACE(enum_name(options.kind));
    // The mean, so that values are of order one.
    test::expect_gradients([&] { return loss_of(options, with).nats / 12; }, with.some_leaves());
  }
}

TEST(Objectives, OfSharedPassesRefuseTheStaticFamily) {
  EXPECT_NO_THROW(make_objective({}, test::tiny_static(), kSeed));
  EXPECT_THROW(make_objective(gated(0.5, 0.3), test::tiny_static(), kSeed), Error);
  EXPECT_THROW(
      make_objective({.kind = ObjectiveKind::kDeepSupervision}, test::tiny_static(), kSeed), Error);
}

TEST(Objectives, RefuseValuesOutOfRange) {
  EXPECT_THROW(make_objective(gated(1.5, 0.3), test::tiny_recurrent(), kSeed), Error);
  EXPECT_THROW(make_objective(gated(0.5, -1), test::tiny_recurrent(), kSeed), Error);
  EXPECT_THROW(make_objective(gated(0.5, 1e7), test::tiny_recurrent(), kSeed), Error);
  // Six positions: a share that rounds to none of them would be another objective.
  EXPECT_THROW(make_objective(gated(0.08, 0.3), test::tiny_recurrent(), kSeed), Error);
  EXPECT_NO_THROW(make_objective(gated(0.09, 0.3), test::tiny_recurrent(), kSeed));
  EXPECT_THROW(make_objective({.passes = {.decay = 0}}, test::tiny_recurrent(), kSeed), Error);
  EXPECT_THROW(make_objective({.passes = {.anneal_share = 0}}, test::tiny_recurrent(), kSeed),
               Error);
}

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

/// Matrices of the MLPs large enough to be packed as codes.
ModelOptions with_codes(ModelOptions model) {
  model.width = 32, model.heads = 4, model.kv_heads = 4;
  return model;
}

TEST(Objectives, TheDefaultOfTheStudiesIsAComposition) {
  const Case with(with_codes(test::tiny_recurrent()), at::kFloat);
  ObjectiveOptions options = gated(0.5, 0.3);
  options.depth.delay_share = 0.4;
  options.weights.noise = WeightNoise::kUniform;
  EXPECT_EQ(complaint(options, with.model), "");
  EXPECT_TRUE(std::isfinite(loss_of(options, with, 50).nats.item<double>()));
}

TEST(Objectives, RefuseWhatContradicts) {
  const ModelOptions fixed = test::tiny_static();
  ModelOptions once = test::tiny_recurrent();
  once.passes = 1;
  ObjectiveOptions terms, early, noise, delayed, bits;
  terms.terms.monotone = 1;
  EXPECT_THAT(complaint(terms, fixed), HasSubstr("compare passes; the static model runs one"));
  EXPECT_THAT(complaint(terms, once), HasSubstr("compare passes"));
  early.terms = {.shortcut_pass = 2, .shortcut_state = 1};
  EXPECT_THAT(complaint(early, test::tiny_recurrent()),
              HasSubstr("train.shortcut-pass 2 lies not before the last of 2 passes"));
  early.terms.norm_change = -1;
  EXPECT_THAT(complaint(early, test::tiny_recurrent()), HasSubstr("train.norm-change is -1"));
  noise.weights.noise = WeightNoise::kUniform;
  EXPECT_THAT(complaint(noise, fixed), HasSubstr("set train.noisy-weights all"));
  noise.weights.noisy = NoisyWeights::kAll;
  EXPECT_THAT(complaint(noise, fixed), HasSubstr("finds no matrix to go to"));
  EXPECT_EQ(complaint(noise, with_codes(fixed)), "");
  delayed.depth.delay_share = 0.5;
  EXPECT_THAT(complaint(delayed, once), HasSubstr("delays nothing"));
  bits.weights.export_bits = 9;
  EXPECT_THAT(complaint(bits, fixed), HasSubstr("train.export-bits is 9"));
  bits.weights = {.code_entropy = 1};
  EXPECT_THAT(complaint(bits, fixed), HasSubstr("finds no matrix to count"));
  EXPECT_EQ(complaint(bits, with_codes(fixed)), "");
  bits.weights = {.code_entropy = -1};
  EXPECT_THAT(complaint(bits, fixed), HasSubstr("train.code-entropy is -1"));
}

// One layer of width 8, 2 heads of 4, 1 key head, MLP x 2, 6 positions: weights q 64 + k 32 + v 32
// + o 64 + mlp 256.
TEST(Cost, IsTwoPerWeightAndFourPerWidthAndKey) {
  const ModelOptions model = test::tiny_recurrent();
  const PassWork work = mean_position(model);
  const double layer = 2 * 448 + 4 * 8 * 3.5, head = 2 * 8 * 11;
  EXPECT_DOUBLE_EQ(base_flops(model, work), 4 * layer + head);  // prelude, core twice, coda
  EXPECT_DOUBLE_EQ(readout_flops(model, work), layer + head);
  EXPECT_DOUBLE_EQ(refinement_flops(model, work), 2 * (layer - 2 * 64) + head);
}

}  // namespace
}  // namespace reprise
