#include "train/objective.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "models/cost/flops.h"
#include "tests/models/gradient_check.h"
#include "tests/models/tiny_models.h"
#include "tests/train/objective_case.h"

namespace reprise {
namespace {
using test::Case;
using test::complaint;
using test::gated;
using test::kSeed;
using test::loss_of;
using test::nats_of_pass;
using testing::ElementsAre;
using testing::HasSubstr;

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

// The sparse pass over the picked rows against the masked-dense one over everything.
class GatedRefinementObjective : public testing::TestWithParam<KeyRule> {};

TEST_P(GatedRefinementObjective, IsTheMaskedDenseLoss) {
  const Case with(test::tiny_recurrent());
  const Network network = with.network();
  const Batch batch = with.batch();
  const BasePasses base = network.base_passes(batch.inputs_BT, {.keys = true});
  const at::Tensor coarse_BT = network.cross_entropy(base.features_BTD, batch.targets_BT);
  const at::Tensor rows_M =
      pick_most_uncertain(entropy_nats(network.logits(base.features_BTD)), 0.5);
  const at::Tensor mask_BT = at::zeros({12}, at::kBool).index_fill(0, rows_M, 1).view({2, 6});
  const at::Tensor dense_BT = network.cross_entropy(
      network.refine_masked(base, mask_BT, {GetParam()}).features_BTD, batch.targets_BT);
  const at::Tensor expected = at::where(mask_BT, dense_BT, coarse_BT).sum() + 0.3 * coarse_BT.sum();

  const Loss loss = loss_of(gated(0.5, 0.3, GetParam()), with);
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

INSTANTIATE_TEST_SUITE_P(Rules, GatedRefinementObjective,
                         testing::Values(KeyRule::kCoarse, KeyRule::kLatest, KeyRule::kSameDepth,
                                         KeyRule::kDuo, KeyRule::kCopyState));

TEST(GatedRefinement, WithNothingRefinedIsTheCoarseLoss) {
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

TEST(Objectives, OverPassesRefuseFamiliesOfOne) {
  for (const ModelOptions& model : {test::tiny_static(), test::tiny_partial()}) {
    EXPECT_NO_THROW(make_objective({}, model, kSeed));
    EXPECT_NO_THROW(make_objective(gated(0.5, 0.3), model, kSeed));
    EXPECT_THAT(complaint({.kind = ObjectiveKind::kDeepSupervision}, model),
                HasSubstr("train.objective deep-supervision needs passes"));
  }
}

// A static model whose core is refined is a recurrent one of a single pass.
TEST(GatedRefinement, RunsTheCoreOfAStaticModelAgain) {
  ModelOptions looped = test::tiny_static();
  looped.family = Family::kRecurrent;
  const Case fixed(test::tiny_static()), once(looped);
  const Loss of_fixed = loss_of(gated(0.5, 0.3), fixed), of_once = loss_of(gated(0.5, 0.3), once);
  EXPECT_TRUE(at::equal(of_fixed.nats, of_once.nats));
  EXPECT_NE(of_fixed.parts[2].nats.item<double>(), of_fixed.parts[3].nats.item<double>())
      << "the refined tokens are predicted as before";
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
  for (const int64_t wrong : {1, 9}) {
    bits.weights.export_bits = wrong;
    EXPECT_THAT(complaint(bits, fixed), HasSubstr(concat("train.export-bits is ", wrong)));
  }
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
