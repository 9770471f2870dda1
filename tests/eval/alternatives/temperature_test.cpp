#include "eval/alternatives/temperature.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/eval/alternatives/made_logits.h"

namespace reprise {
namespace {

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

ScaleDerivatives at_scale(const at::Tensor& logits_NV, const at::Tensor& targets_N, double scale) {
  return scale_derivatives(logits_NV, targets_N,
                           std::vector(static_cast<size_t>(logits_NV.size(0)), scale));
}

double best_scale(const at::Tensor& logits_NV, const at::Tensor& targets_N) {
  ScaleSearch search;
  while (!search.done()) {
    const auto sums = at_scale(logits_NV, targets_N, search.scale());
    search.take(sum(sums.slope), sum(sums.curvature));
  }
  return search.scale();
}

/// Of two tokens, logits a and 0, the first of which is right in a share q: σ(s a) = q.
TEST(Temperature, IsTheClosedFormOfTwoTokens) {
  for (const double a : {0.3, 1.0, 4.0})
    for (const int64_t right : {55, 70, 99}) {
      const at::Tensor logits_NV = at::tensor({a, 0.0}, at::kDouble).repeat({100, 1});
      const at::Tensor targets_N = at::arange(100, at::kLong).ge(right).to(at::kLong);
      const double q = static_cast<double>(right) / 100;
      EXPECT_NEAR(best_scale(logits_NV, targets_N), std::log(q / (1 - q)) / a, 1e-9) << a;
    }
}

TEST(Temperature, IsTheLeastOfADenseGrid) {
  const at::Tensor true_NV = made_logits(300, 11, 2);
  const at::Tensor targets_N = drawn_targets(true_NV), logits_NV = true_NV * 3 + 5;
  const double found = best_scale(logits_NV, targets_N);
  const double least = sum(at_scale(logits_NV, targets_N, found).nats);
  EXPECT_NEAR(found, 1.0 / 3, 0.05) << "three times too sure";
  for (int k = 1; k < 400; ++k)
    EXPECT_GE(sum(at_scale(logits_NV, targets_N, k / 200.0).nats), least - 1e-10) << k;
}

TEST(Temperature, EndsWhereMoreSaysNothing) {
  const at::Tensor logits_NV = at::tensor({1.0, 0.0}, at::kDouble).repeat({4, 1});
  EXPECT_NEAR(best_scale(logits_NV, at::zeros({4}, at::kLong)), ScaleSearch::kMost, 1e-3);
  EXPECT_NEAR(best_scale(logits_NV, at::ones({4}, at::kLong)), ScaleSearch::kLeast, 1e-3);
}

TEST(Temperature, OfNothingIsOne) {
  ScaleSearch search;
  search.take(0, 0);
  EXPECT_TRUE(search.done());
  EXPECT_EQ(search.scale(), 1);
}

TEST(ScaleDerivatives, AreThoseOfDifferences) {
  const at::Tensor logits_NV = made_logits(5, 6, 2), targets_N = drawn_targets(logits_NV);
  const double s = 0.7, h = 1e-4;
  const auto here = at_scale(logits_NV, targets_N, s),
             above = at_scale(logits_NV, targets_N, s + h),
             below = at_scale(logits_NV, targets_N, s - h);
  for (size_t n = 0; n < 5; ++n) {
    EXPECT_NEAR(here.slope[n], (above.nats[n] - below.nats[n]) / (2 * h), 1e-6);
    EXPECT_NEAR(here.curvature[n], (above.slope[n] - below.slope[n]) / (2 * h), 1e-6);
  }
}

}  // namespace
}  // namespace reprise
