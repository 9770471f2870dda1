// Labels, losses and budgets of gate heads: by hand, and their gradients against central
// differences in double precision.
#include "train/gate/losses.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "tests/models/gradient_check.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

at::Tensor row(std::vector<double> values) { return at::tensor(values, at::kDouble); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::log1p(std::exp(x)); }

TEST(GateLabels, AGainIsPositiveAboveDeltaAndNotAtIt) {
  const at::Tensor first = row({2, 2, 2, 1}), later = row({1, 1.5, 1.75, 2});
  EXPECT_TRUE(at::equal(gain_labels(first, later, 0.5), row({1, 0, 0, 0})));
  EXPECT_TRUE(at::equal(gain_labels(first, later, 0), row({1, 1, 1, 0})));
}

TEST(GateLabels, ASoftGainIsAHalfAtDeltaAndHardAsTheTemperatureFalls) {
  const at::Tensor first = row({2, 2, 1}), later = row({1.5, 1, 2});
  const at::Tensor soft = soft_gain_labels(first, later, {.delta = 0.5, .temperature = 0.25});
  EXPECT_DOUBLE_EQ(soft[0].item<double>(), 0.5);
  EXPECT_DOUBLE_EQ(soft[1].item<double>(), sigmoid(2));
  EXPECT_DOUBLE_EQ(soft[2].item<double>(), sigmoid(-6));
  const at::Tensor hard = soft_gain_labels(first, later, {.delta = 0.4, .temperature = 1e-3});
  EXPECT_TRUE(at::allclose(hard, gain_labels(first, later, 0.4)));
}

TEST(GateLosses, PositivesWeighAsMuchAsNegativesTogether) {
  EXPECT_DOUBLE_EQ(positive_weight(0.2), 4);
  EXPECT_DOUBLE_EQ(positive_weight(0.5), 1);
  // One of five is positive: at score 0 the gradients of both kinds cancel.
  const at::Tensor scores = at::zeros({5}, at::kDouble).requires_grad_();
  weighted_cross_entropy(scores, row({1, 0, 0, 0, 0}), positive_weight(0.2)).backward();
  EXPECT_NEAR(scores.grad().sum().item<double>(), 0, 1e-15);
}

TEST(GateLosses, CrossEntropyOfHardAndSoftLabels) {
  const double hard = weighted_cross_entropy(row({0.5, -1}), row({1, 0}), 3).item<double>();
  EXPECT_NEAR(hard, 3 * softplus(-0.5) + softplus(-1), 1e-14);
  const double soft = weighted_cross_entropy(row({0.5}), row({0.25}), 3).item<double>();
  EXPECT_NEAR(soft, 3 * 0.25 * softplus(-0.5) + 0.75 * softplus(0.5), 1e-14);
}

TEST(GateLosses, RegressionClipsGainsBothWays) {
  const at::Tensor scores = row({1, 0, 0}), gains = row({1.5, 9, -9});
  EXPECT_DOUBLE_EQ(squared_gain_loss(scores, gains, 2).item<double>(), 0.125 + 2 + 2);
  // Within 0.5 a square, beyond it 0.5 (|r| - 0.25).
  EXPECT_DOUBLE_EQ(huber_gain_loss(scores, gains, 2, 0.5).item<double>(), 0.125 + 2 * 0.5 * 1.75);
}

TEST(GateLosses, RankingTakesPairsOfASequenceWhoseGainsDiffer) {
  const at::Tensor scores = row({1, 0, 3, 0.5, 0.5, 0.5}).view({2, 3}),
                   gains = row({2, 0, 2, 0, 1, 0.05}).view({2, 3});
  // First sequence, t and t + 1: (0, 1) and (2, 1) count, (2, 0) tie. Second, t and t + 2: (0, 2)
  // is within delta, (1, 0) and (1, 2) count, all scores alike.
  const double expected = softplus(-1) + softplus(-3) + 2 * std::log(2);
  EXPECT_NEAR(pairwise_ranking(scores, gains, std::array<int64_t, 2>{1, 2}, 0.1).item<double>(),
              expected, 1e-14);
}

TEST(GateLosses, RankingPunishesTheWrongOrder) {
  const at::Tensor gains = row({1, 0}).view({1, 2});
  const std::array<int64_t, 1> shifts{1};
  const double right = pairwise_ranking(row({2, 0}).view({1, 2}), gains, shifts, 0).item<double>(),
               wrong = pairwise_ranking(row({0, 2}).view({1, 2}), gains, shifts, 0).item<double>();
  EXPECT_NEAR(wrong - right, 2 * 2, 1e-14);  // both pairs, softplus(2) - softplus(-2) = 2
}

TEST(GateBudgets, ThePenaltyIsOfEachSequence) {
  const at::Tensor open = row({0.5, 0.1, 0, 0, 1, 1}).view({2, 3});
  const double expected = 3 * (std::pow(0.2 - 0.1, 2) + std::pow(2.0 / 3 - 0.1, 2));
  EXPECT_NEAR(share_penalty(open, 0.1).item<double>(), expected, 1e-15);
  const double apart = share_penalty(open.narrow(0, 0, 1), 0.1).item<double>() +
                       share_penalty(open.narrow(0, 1, 1), 0.1).item<double>();
  EXPECT_NEAR(apart, expected, 1e-15);
}

TEST(GateBudgets, TheMultiplierFollowsTheExcessAndStaysPositive) {
  EXPECT_DOUBLE_EQ(next_multiplier(0.5, 0.3, 0.1, 2), 0.9);
  EXPECT_DOUBLE_EQ(next_multiplier(0.5, 0.05, 0.1, 2), 0.4);
  EXPECT_DOUBLE_EQ(next_multiplier(0.05, 0, 0.1, 2), 0);
}

TEST(GateLosses, GradientsAreTheNumericOnes) {
  const at::Tensor scores = test::normal_tensor({3, 5}, 1, at::kDouble).requires_grad_();
  const at::Tensor first = test::normal_tensor({3, 5}, 2, at::kDouble).abs(),
                   later = test::normal_tensor({3, 5}, 3, at::kDouble).abs();
  const at::Tensor gains = first - later;
  const std::array<int64_t, 3> shifts{1, 2, 4};
  test::expect_gradients(
      [&] { return weighted_cross_entropy(scores, gain_labels(first, later, 0.1), 2.5); },
      {scores});
  test::expect_gradients(
      [&] {
        return weighted_cross_entropy(scores, soft_gain_labels(first, later, {0.1, 0.3}), 2);
      },
      {scores});
  test::expect_gradients([&] { return squared_gain_loss(scores, gains, 0.8); }, {scores});
  test::expect_gradients([&] { return huber_gain_loss(scores, gains, 0.8, 0.5); }, {scores});
  test::expect_gradients([&] { return pairwise_ranking(scores, gains, shifts, 0.1); }, {scores});
  test::expect_gradients([&] { return share_penalty(at::sigmoid(scores), 0.1); }, {scores});
}

TEST(GateLosses, NoGradientFlowsIntoLabelsAndGains) {
  const at::Tensor scores = test::normal_tensor({2, 4}, 1, at::kDouble);
  const at::Tensor nats = test::normal_tensor({2, 4}, 2, at::kDouble).requires_grad_();
  const at::Tensor zero = at::zeros({2, 4}, at::kDouble);
  const std::array<int64_t, 2> shifts{1, 3};
  for (const at::Tensor& loss :
       {weighted_cross_entropy(scores, soft_gain_labels(nats, zero, {0, 1}), 1),
        squared_gain_loss(scores, nats, 9), huber_gain_loss(scores, nats, 9, 1),
        pairwise_ranking(scores, nats, shifts, 0)})
    EXPECT_FALSE(loss.requires_grad());
}

}  // namespace
}  // namespace reprise
