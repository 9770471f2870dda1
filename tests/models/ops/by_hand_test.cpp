// Operations on inputs small enough to compute by hand.
#include <gmock/gmock.h>

#include <cmath>

#include "models/ops/attention.h"
#include "models/ops/expert_rows.h"
#include "models/ops/grouped_product.h"
#include "models/ops/head.h"
#include "models/ops/heads.h"
#include "models/ops/residual.h"
#include "models/ops/rms_norm.h"
#include "models/ops/squared_relu.h"
#include "tests/models/tiny_models.h"

namespace reprise::ops {
namespace {

constexpr double kTolerance = 1e-6;  // fp32, and the norm's epsilon

at::Tensor floats(const std::vector<double>& values, at::IntArrayRef shape) {
  return at::tensor(values, at::kDouble).to(at::kFloat).view(shape);
}

void expect_near(const at::Tensor& x, const std::vector<double>& expected) {
  EXPECT_LT(test::relative_difference(x.flatten(), at::tensor(expected, at::kDouble)), kTolerance)
      << x;
}

TEST(ByHand, RmsNorm) {
  // The mean square of (3, 4) is 12.5.
  expect_near(rms_norm(floats({3, 4}, {1, 2})), {3 / std::sqrt(12.5), 4 / std::sqrt(12.5)});
}

TEST(ByHand, MixAndAdd) {
  const at::Tensor x = floats({1, 2}, {1, 2}), y = floats({10, 20}, {1, 2});
  expect_near(mix_and_norm(x, y, floats({2, 1, 0.5, 0}, {2, 2})).stream, {7, 2});
  expect_near(add_and_norm(x, y, floats({0.1, 1}, {2})).stream, {2, 22});
  expect_near(add_scaled(x, y, floats({0.1, 1}, {2})), {2, 22});
}

TEST(ByHand, SquaredRelu) { expect_near(squared_relu(floats({-2, 0, 3}, {3})), {0, 0, 9}); }

TEST(ByHand, SplitHeadsTurnsByThePosition) {
  // Width 2, one pair: its wavelength is 2 pi, so position 1 turns (1, 1) by one radian.
  const RotaryTable rotary = make_rotary_table({2, 2, 1, 10000}, at::kFloat);
  const at::Tensor projected = floats({5, 5, 2, 2, 7, 8}, {1, 6});
  const Heads heads = split_heads(projected, floats({3}, {1}), rotary, at::tensor({1}, at::kLong));
  const double left = std::cos(1) - std::sin(1), right = std::cos(1) + std::sin(1);
  expect_near(heads.queries_MHE, {3 * left, 3 * right});
  expect_near(heads.keys_MGE, {left, right});
  expect_near(heads.values_MGE, {7, 8});
}

TEST(ByHand, AttentionSeesItsPastOnly) {
  // Keys 0 and log(3) sqrt(2) / sqrt(2): position 1 weighs values 1 : 3, position 0 has one value.
  const at::Tensor queries = floats({1, 0, 1, 0}, {2, 1, 2});
  const KeyRows rows{floats({0, 0, std::log(3) * std::sqrt(2), 0}, {2, 1, 2}),
                     floats({4, 0, 8, 4}, {2, 1, 2})};
  expect_near(attention(queries, rows, see_all(1, 2, at::kCPU)), {4, 0, 7, 3});
  const at::Tensor second = at::tensor({1}, at::kLong), query = queries.slice(0, 1);
  expect_near(attention(query, rows, see_every_row(second, 1, 2)), {7, 3});
  expect_near(attend(query, rows, see_every_row(second, 1, 2)).log_sums_MH, {std::log(4)});
}

TEST(ByHand, AttentionToPartsJoinsByTheirSums) {
  // Weights 1 : 3 within the first, and 4 : 2 between the two.
  const Attended first{floats({7, 3}, {1, 2}), floats({std::log(4)}, {1, 1})};
  const Attended second{floats({1, 0}, {1, 2}), floats({std::log(2)}, {1, 1})};
  expect_near(join(first, second), {5, 2});
}

TEST(ByHand, CrossEntropyOfTwoTokens) {
  // Raw logits atanh(0.5) * 2 and 0 under a cap of 2 are 1 and 0.
  const at::Tensor embedding = floats({1, 0}, {2, 1});
  const at::Tensor features = floats({2 * std::atanh(0.5), 2 * std::atanh(0.5)}, {2, 1});
  expect_near(capped_logits(features, embedding, 2), {1, 0, 1, 0});
  expect_near(cross_entropy(features, embedding, at::tensor({0, 1}, at::kLong), 2),
              {std::log1p(std::exp(-1)), std::log1p(std::exp(1))});
}

TEST(ByHand, RowsGoToTheirSlotsAndComeBackByWeight) {
  const at::Tensor slots = at::tensor({3, 0, 1, 4}, at::kLong).view({2, 2});
  const at::Tensor packed = spread(floats({1, 2, 3, 4}, {2, 2}), slots, 5);
  expect_near(packed, {1, 2, 3, 4, 0, 0, 1, 2, 3, 4});
  const at::Tensor found = floats({1, 10, 2, 20, 9, 90, 3, 30, 4, 40}, {5, 2});
  expect_near(combine(found, slots, floats({1, 2, 0.5, 0.25}, {2, 2})), {5, 50, 2, 20});
}

TEST(ByHand, AGroupIsMultipliedWithItsOwnMatrix) {
  const at::Tensor rows = floats({1, 2, 3, 4, 5, 6}, {3, 2});
  const at::Tensor weights = floats({1, 1, 9, 9, 1, -1}, {3, 1, 2});
  expect_near(grouped_product(rows, {0, 2, 2, 3}, weights), {3, 7, -1});
  EXPECT_THROW(grouped_product(rows, {0, 2, 3}, weights), Error);
}

TEST(ByHand, NoRowsGiveZeroGradients) {
  at::Tensor queries = at::zeros({0, 1, 2}), keys = at::ones({3, 1, 2});
  queries.requires_grad_();
  keys.requires_grad_();
  const at::Tensor output =
      attention(queries, {keys, keys}, see_every_row(at::empty({0}, at::kLong), 1, 3));
  EXPECT_EQ(output.sizes(), at::IntArrayRef({0, 2}));
  output.sum().backward();
  ASSERT_TRUE(keys.grad().defined());
  EXPECT_EQ(keys.grad().abs().sum().item<double>(), 0);
}

}  // namespace
}  // namespace reprise::ops
