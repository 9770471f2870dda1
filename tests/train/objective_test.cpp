#include "train/objective.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/cost.h"
#include "tests/models/gradient_check.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {
using testing::ElementsAre;

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

Loss loss_of(const ObjectiveOptions& options, const Case& with, double progress = 0) {
  return make_objective(options, with.model)->loss(with.network(), with.batch(), progress);
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
  EXPECT_THAT(make_objective(options, with.model)->parts(0), ElementsAre("pass_2", "pass_1"));
}

TEST(DeepSupervisionObjective, AnnealedEndsAsFinalOnlyAndCostsNoMore) {
  const Case with(test::tiny_recurrent());
  const ObjectiveOptions options{
      .kind = ObjectiveKind::kDeepSupervision,
      .passes = {.weighting = PassWeighting::kAnnealed, .anneal_share = 0.5}};
  const auto objective = make_objective(options, with.model),
             final_only = make_objective({}, with.model);
  EXPECT_NEAR(loss_of(options, with, 0.5).nats.item<double>(), nats_of_pass(with, 1), 1e-9);
  EXPECT_THAT(objective->parts(0.5), ElementsAre("pass_2"));
  EXPECT_EQ(objective->flops_per_token(0.5), final_only->flops_per_token(0.5));
  EXPECT_GT(objective->flops_per_token(0.0), final_only->flops_per_token(0.0));
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
  EXPECT_NO_THROW(make_objective({}, test::tiny_static()));
  EXPECT_THROW(make_objective(gated(0.5, 0.3), test::tiny_static()), Error);
  EXPECT_THROW(make_objective({.kind = ObjectiveKind::kDeepSupervision}, test::tiny_static()),
               Error);
}

TEST(Objectives, RefuseValuesOutOfRange) {
  EXPECT_THROW(make_objective(gated(1.5, 0.3), test::tiny_recurrent()), Error);
  EXPECT_THROW(make_objective(gated(0.5, -1), test::tiny_recurrent()), Error);
  EXPECT_THROW(make_objective(gated(0.5, 1e7), test::tiny_recurrent()), Error);
  // Six positions: a share that rounds to none of them would be another objective.
  EXPECT_THROW(make_objective(gated(0.08, 0.3), test::tiny_recurrent()), Error);
  EXPECT_NO_THROW(make_objective(gated(0.09, 0.3), test::tiny_recurrent()));
  EXPECT_THROW(make_objective({.passes = {.decay = 0}}, test::tiny_recurrent()), Error);
  EXPECT_THROW(make_objective({.passes = {.anneal_share = 0}}, test::tiny_recurrent()), Error);
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
