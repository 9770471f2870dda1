#include "train/losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "tests/models/gradient_check.h"
#include "train/objectives/token_weights.h"

namespace reprise {
namespace {
using testing::ElementsAre;

at::Tensor values(std::vector<double> numbers) {
  return at::tensor(numbers, at::kDouble).set_requires_grad(true);
}
at::Tensor rows(std::vector<int64_t> numbers) { return at::tensor(numbers, at::kLong); }
std::vector<int64_t> as_list(const at::Tensor& rows_M) {
  return {rows_M.data_ptr<int64_t>(), rows_M.data_ptr<int64_t>() + rows_M.numel()};
}

TEST(DeepSupervision, IsTheWeightedMeanOfThePassesSums) {
  const std::vector<at::Tensor> passes{values({1, 2}), values({4, 6})};
  // (1 * 3 + 3 * 10) / 4
  EXPECT_DOUBLE_EQ(deep_supervision(passes, std::vector<double>{1, 3}).item<double>(), 8.25);
}

TEST(DeepSupervision, WithAllWeightOnTheLastPassIsFinalOnly) {
  const std::vector<at::Tensor> passes{values({1, 2}), values({4, 6})};
  EXPECT_DOUBLE_EQ(deep_supervision(passes, std::vector<double>{0, 1}).item<double>(), 10);
}

TEST(DeepSupervision, RefusesWeightsThatDoNotMatch) {
  const std::vector<at::Tensor> passes{values({1}), values({4})};
  EXPECT_THROW(deep_supervision(passes, std::vector<double>{1}), Error);
  EXPECT_THROW(deep_supervision(passes, std::vector<double>{0, 0}), Error);
}

TEST(DeepSupervision, GradientsAgreeWithDifferences) {
  const std::vector<at::Tensor> passes{values({1, 2, 0.5}), values({4, 6, -1})};
  test::expect_gradients(
      [&] {
        return deep_supervision(passes, std::vector<double>{0.25, 1}).square();
      },
      passes);
}

TEST(PassWeights, FollowTheirEquations) {
  EXPECT_THAT(pass_weights({PassWeighting::kUniform}, 3, 0.9), ElementsAre(1, 1, 1));
  EXPECT_THAT(pass_weights({PassWeighting::kGeometric, 0.5}, 3, 0.9), ElementsAre(0.25, 0.5, 1));
  const PassWeights annealed{PassWeighting::kAnnealed, 0.5, 0.5};
  EXPECT_THAT(pass_weights(annealed, 3, 0), ElementsAre(1, 1, 1));
  EXPECT_THAT(pass_weights(annealed, 3, 0.25), ElementsAre(0.5, 0.5, 1));
  EXPECT_THAT(pass_weights(annealed, 3, 0.75), ElementsAre(0, 0, 1));
  EXPECT_THAT(pass_weights(annealed, 1, 0.75), ElementsAre(1));
}

TEST(GatedRefinement, TakesTheRefinedLossWhereTheGateIsOpen) {
  const at::Tensor coarse = values({1, 2, 4, 8}).view({2, 2});
  // (1 + 4) coarse, (0.5 + 3) refined, kappa 0.1 of all 15.
  EXPECT_DOUBLE_EQ(gated_refinement(coarse, values({0.5, 3}), rows({1, 3}), 0.1).item<double>(),
                   10.0);
}

TEST(GatedRefinement, WithNoRowsIsTheCoarseLossAndItsShare) {
  EXPECT_DOUBLE_EQ(gated_refinement(values({1, 2}), values({}), rows({}), 0.5).item<double>(), 4.5);
}

TEST(GatedRefinement, GradientsAgreeWithDifferences) {
  const at::Tensor coarse = values({1, 2, 4, 8}), refined = values({0.5, 3});
  const at::Tensor picked = rows({1, 3});
  test::expect_gradients([&] { return gated_refinement(coarse, refined, picked, 0.1).square(); },
                         {coarse, refined});
}

TEST(Monotone, IsWhatAPassLosesAgainstTheOneBefore) {
  // 1 - 2 + 0.5 < 0, 3 - 2 + 0.5, 2 - 2 + 0.5
  EXPECT_DOUBLE_EQ(monotone(values({2, 2, 2}), values({1, 3, 2}), 0.5).item<double>(), 2);
}

TEST(Monotone, GradientsAgreeWithDifferencesInTheLaterPassOnly) {
  const at::Tensor earlier = values({2, 2, 2}), later = values({1, 3, 2});
  test::expect_gradients([&] { return monotone(earlier, later, 0.5).square(); }, {later});
  monotone(earlier, later, 0.5).backward();
  EXPECT_FALSE(earlier.grad().defined());
}

TEST(StateDistance, IsTheMeanOverChannelsSummedOverTokens) {
  const at::Tensor last = values({1, 2, 3, 4}).view({2, 2}), early = values({1, 0, 0, 0});
  EXPECT_DOUBLE_EQ(state_distance(last, early.view({2, 2})).item<double>(), (4 + 9 + 16) / 2.0);
  test::expect_gradients([&] { return state_distance(last, early.view({2, 2})); }, {early});
}

TEST(PredictionDistance, IsTheDivergenceFromTheLastPass) {
  const at::Tensor last = at::log(at::tensor({0.5, 0.5}, at::kDouble)).view({1, 2});
  const at::Tensor early = at::log(at::tensor({0.25, 0.75}, at::kDouble)).view({1, 2});
  EXPECT_NEAR(prediction_distance(last, early).item<double>(),
              0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3), 1e-12);
  const at::Tensor leaf = values({0.3, -1, 2, 0.1, 0.2, 0.3});
  const at::Tensor target = values({1, 2, 3, -1, 0, 1}).view({2, 3});
  test::expect_gradients([&] { return prediction_distance(target, leaf.view({2, 3})); }, {leaf});
}

TEST(NormChange, IsTheSquaredChangeOfTheRootMeanSquare) {
  const at::Tensor earlier = values({3, 4, 1, 1}), later = values({6, 8, 1, -1});
  // (rms 10 / sqrt 2 - 5 / sqrt 2)^2 and 0
  EXPECT_NEAR(norm_change(earlier.view({2, 2}), later.view({2, 2})).item<double>(), 12.5, 1e-12);
  test::expect_gradients(
      [&] {
        return norm_change(earlier.view({2, 2}), later.view({2, 2})).square();
      },
      {earlier, later});
}

TEST(HardWeights, HaveMeanOneInEachSequenceAndNoGraph) {
  const at::Tensor uncertainty = values({1, 3, 0, 0}).view({2, 2});
  const at::Tensor weights = hard_weights(uncertainty);
  EXPECT_TRUE(at::equal(weights, at::tensor({0.5, 1.5, 1.0, 1.0}, at::kDouble).view({2, 2})));
  EXPECT_FALSE(weights.requires_grad());
}

TEST(ShuffledWeights, AreTheSequencesOwnWhereverABatchBegins) {
  const at::Tensor weights = at::arange(24, at::kDouble).view({3, 8});
  const RandomStream stream(1, Purpose::kTokenShuffle, 2);
  const at::Tensor all = shuffled_weights(weights, stream, 4);
  EXPECT_TRUE(at::equal(std::get<0>(all.sort(1)), weights));
  EXPECT_FALSE(at::equal(all, weights));
  EXPECT_TRUE(at::equal(shuffled_weights(weights.narrow(0, 1, 2), stream, 5), all.narrow(0, 1, 2)));
}

TEST(Entropy, IsThatOfTheDistribution) {
  const at::Tensor logits =
      at::log(at::tensor({0.5, 0.25, 0.25, 1.0, 1.0, 1.0}, at::kDouble)).view({2, 3});
  const at::Tensor entropy = entropy_nats(logits);
  EXPECT_NEAR(entropy[0].item<double>(), 1.5 * std::log(2.0), 1e-12);
  EXPECT_NEAR(entropy[1].item<double>(), std::log(3.0), 1e-12);
}

TEST(Entropy, OfACertainPredictionIsZeroAndNotNan) {
  EXPECT_EQ(entropy_nats(at::tensor({-1000.0F, 1000.0F}).view({1, 2})).item<float>(), 0);
}

TEST(MostUncertain, ArePickedPerSequenceAsAscendingRows) {
  const at::Tensor entropy_BT =
      at::tensor({1.0, 4.0, 3.0, 2.0, 9.0, 5.0, 8.0, 7.0}, at::kDouble).view({2, 4});
  EXPECT_THAT(as_list(pick_most_uncertain(entropy_BT, 0.5)), ElementsAre(1, 2, 4, 6));
  EXPECT_THAT(as_list(pick_most_uncertain(entropy_BT, 0.0)), ElementsAre());
  EXPECT_THAT(as_list(pick_most_uncertain(entropy_BT, 1.0)), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(MostUncertain, OfASequenceDoNotDependOnTheOthers) {
  const at::Tensor entropy_BT =
      at::tensor({1.0, 4.0, 3.0, 2.0, 90.0, 50.0, 80.0, 70.0}, at::kDouble).view({2, 4});
  EXPECT_THAT(as_list(pick_most_uncertain(entropy_BT.narrow(0, 0, 1), 0.5)), ElementsAre(1, 2));
}

}  // namespace
}  // namespace reprise
