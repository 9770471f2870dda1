#include "train/depth.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "tests/models/tiny_models.h"

namespace reprise {
namespace {
using testing::HasSubstr;

constexpr int64_t kSteps = 4000;

ModelOptions model_of(int64_t passes) {
  ModelOptions model = test::tiny_recurrent();
  model.passes = passes;
  return model;
}

std::map<int64_t, int64_t> histogram(const DepthOptions& options, const ModelOptions& model) {
  std::map<int64_t, int64_t> counts;
  for (int64_t step = 0; step < kSteps; ++step)
    ++counts[depth_of_step(options, model, 7, {step, kSteps}).passes];
  return counts;
}

std::string complaint(const DepthOptions& options, const ModelOptions& model) {
  try {
    validate(options, model);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

TEST(Depth, FixedIsTheModelsAndThroughAllPasses) {
  const StepDepth depth = depth_of_step({}, model_of(3), 1, {5, 10});
  EXPECT_EQ(depth.passes, 3);
  EXPECT_EQ(depth.graph_passes, 3);
  EXPECT_EQ(depth.first_with_graph(), 0);
  EXPECT_TRUE(depth.refines);
}

// Four standard deviations of a share of 4000 steps: sqrt(p (1 - p) / 4000) * 4 < 0.032.
TEST(Depth, UniformDrawsEveryNumberAlike) {
  const auto counts = histogram({.draw = DepthDraw::kUniform}, model_of(4));
  ASSERT_EQ(counts.size(), 4u);
  for (const auto& [passes, count] : counts)
    EXPECT_NEAR(static_cast<double>(count) / kSteps, 0.25, 0.032) << passes;
}

TEST(Depth, TwoPointDrawsItsShare) {
  const auto counts = histogram(
      {.draw = DepthDraw::kTwoPoint, .least = 2, .most = 6, .deep_share = 0.2}, model_of(4));
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_NEAR(static_cast<double>(counts.at(6)) / kSteps, 0.2, 0.032);
  EXPECT_EQ(counts.at(2) + counts.at(6), kSteps);
}

// Mean 4 and variance rate + rate^2 (e^{sigma^2} - 1) = 3 + 9 * 0.284 of the unclipped draw; the
// clip at 64 is out of its reach.
TEST(Depth, PoissonLognormalHasItsMeanAndVariance) {
  double sum = 0, squares = 0;
  for (const auto& [passes, count] :
       histogram({.draw = DepthDraw::kPoissonLognormal, .most = 64}, model_of(4))) {
    sum += static_cast<double>(passes * count);
    squares += static_cast<double>(passes * passes * count);
  }
  const double mean = sum / kSteps, variance = squares / kSteps - mean * mean;
  EXPECT_NEAR(mean, 4, 4 * std::sqrt(5.56 / kSteps));
  EXPECT_NEAR(variance, 3 + 9 * (std::exp(0.25) - 1), 1);
}

TEST(Depth, PoissonLognormalIsClipped) {
  const auto counts = histogram(
      {.draw = DepthDraw::kPoissonLognormal, .least = 2, .most = 5, .mean = 4}, model_of(4));
  EXPECT_EQ(counts.begin()->first, 2);
  EXPECT_EQ(counts.rbegin()->first, 5);
}

TEST(Depth, PoissonQuantileIsByHand) {
  // e^-1 = 0.3679, 0.7358, 0.9197
  EXPECT_EQ(poisson_quantile(1, 0), 0);
  EXPECT_EQ(poisson_quantile(1, 0.36), 0);
  EXPECT_EQ(poisson_quantile(1, 0.37), 1);
  EXPECT_EQ(poisson_quantile(1, 0.73), 1);
  EXPECT_EQ(poisson_quantile(1, 0.74), 2);
  EXPECT_EQ(poisson_quantile(1, 0.92), 3);
  EXPECT_LT(poisson_quantile(600, 1 - 0x1p-53), 2000);
}

TEST(Depth, IsDelayedForItsShareAndRefinesNothingUntilThen) {
  const DepthOptions options{.delay_share = 0.4};
  for (int64_t step = 0; step < 10; ++step) {
    const StepDepth depth = depth_of_step(options, model_of(3), 1, {step, 10});
    EXPECT_EQ(depth.passes, step < 4 ? 1 : 3) << step;
    EXPECT_EQ(depth.refines, step >= 4) << step;
  }
}

TEST(Depth, TruncatesWhatIsDeeper) {
  const DepthOptions options{.draw = DepthDraw::kUniform, .graph_passes = 2};
  for (int64_t step = 0; step < 50; ++step) {
    const StepDepth depth = depth_of_step(options, model_of(4), 1, {step, 50});
    EXPECT_EQ(depth.graph_passes, std::min<int64_t>(depth.passes, 2));
  }
}

TEST(Depth, RefusesWhatContradicts) {
  const ModelOptions model = model_of(4);
  EXPECT_EQ(complaint({}, test::tiny_static()), "");
  EXPECT_EQ(complaint({.draw = DepthDraw::kUniform, .delay_share = 0.5, .graph_passes = 2}, model),
            "");
  EXPECT_THAT(complaint({.draw = DepthDraw::kUniform}, test::tiny_static()),
              HasSubstr("need passes; the static family"));
  EXPECT_THAT(complaint({.graph_passes = 1}, test::tiny_partial()),
              HasSubstr("need passes; the partial family"));
  EXPECT_THAT(complaint({.delay_share = 1}, model), HasSubstr("train.delay-share is 1"));
  EXPECT_THAT(complaint({.graph_passes = 2}, model),
              HasSubstr("never trains the layers of model.prelude"));
  EXPECT_THAT(complaint({.graph_passes = -1}, model), HasSubstr("negative"));
  EXPECT_THAT(complaint({.draw = DepthDraw::kUniform, .least = 4}, model),
              HasSubstr("draws from 4 to 4 passes"));
  EXPECT_THAT(complaint({.draw = DepthDraw::kUniform, .most = 257}, model),
              HasSubstr("an interval of 1 to 256"));
  EXPECT_THAT(complaint({.draw = DepthDraw::kTwoPoint, .deep_share = 1}, model),
              HasSubstr("train.deep-share is 1"));
  EXPECT_THAT(complaint({.draw = DepthDraw::kPoissonLognormal, .mean = 1}, model),
              HasSubstr("train.depth-mean is 1"));
  EXPECT_THAT(complaint({.draw = DepthDraw::kPoissonLognormal, .sigma = 5}, model),
              HasSubstr("train.depth-sigma is 5"));
}

}  // namespace
}  // namespace reprise
