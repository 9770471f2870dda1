#include "train/average.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace reprise {
namespace {

std::vector<Parameter> one_number(double value) {
  return {{"w", Role::kScalar, at::full({1}, value, at::kDouble).set_requires_grad(true)}};
}
void set(const std::vector<Parameter>& of, double value) { of[0].tensor.detach().fill_(value); }
double value(const WeightAverage& average) { return average.state().at(0).tensor.item<double>(); }

TEST(WeightAverage, FollowsItsEquationOnASingleNumber) {
  const auto weight = one_number(0);
  WeightAverage average(0.5, weight);
  set(weight, 2), average.update(0);
  EXPECT_EQ(value(average), 2) << "the first average is the first weights";
  set(weight, 4), average.update(1);
  EXPECT_NEAR(value(average), (0.5 * 0.5 * 2 + 0.5 * 4) / 0.75, 1e-15);
  set(weight, -1), average.update(2);
  EXPECT_NEAR(value(average), (0.125 * 2 + 0.25 * 4 + 0.5 * -1) / 0.875, 1e-15);
  EXPECT_EQ(weight[0].tensor.item<double>(), -1) << "the weights themselves stay";
}

TEST(WeightAverage, IsTheBiasCorrectedSumOverManySteps) {
  const auto weight = one_number(0);
  const double decay = 0.99;
  WeightAverage average(decay, weight);
  double sum = 0;
  for (int64_t step = 0; step < 500; ++step) {
    const double now = 3 + std::sin(static_cast<double>(step));
    set(weight, now), average.update(step);
    sum = decay * sum + (1 - decay) * now;
    EXPECT_NEAR(value(average), sum / (1 - std::pow(decay, step + 1)), 1e-11) << step;
  }
}

TEST(WeightAverage, OfWeightsThatStayIsTheirVeryBits) {
  const at::Tensor values = at::tensor({0.1F, -7.3F, 1e-20F});
  const std::vector<Parameter> weights{
      {"w", Role::kScalar, values.clone().set_requires_grad(true)}};
  WeightAverage average(0.999, weights);
  for (int64_t step = 0; step < 20; ++step) average.update(step);
  EXPECT_TRUE(at::equal(average.state()[0].tensor, values));
}

TEST(WeightAverage, IsInstalledOverTheWeights) {
  const auto weight = one_number(0);
  WeightAverage average(0.5, weight);
  set(weight, 2), average.update(0);
  set(weight, 5);
  average.install();
  EXPECT_EQ(weight[0].tensor.item<double>(), 2);
  EXPECT_TRUE(weight[0].tensor.requires_grad());
}

TEST(WeightAverage, OfDecayZeroKeepsNothingAndLeavesTheWeights) {
  const auto weight = one_number(3);
  WeightAverage average(0, weight);
  average.update(0), average.install();
  EXPECT_TRUE(average.state().empty());
  EXPECT_EQ(weight[0].tensor.item<double>(), 3);
}

}  // namespace
}  // namespace reprise
