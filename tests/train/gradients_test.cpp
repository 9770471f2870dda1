#include "train/gradients.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"

namespace reprise {
namespace {
using nlohmann::json;

constexpr BucketLimits kSmallBuckets{.first_bytes = 16, .bytes = 40};

/// Parameters of `shapes` whose buckets hold `values`, one list a parameter.
struct Bound {
  Bound(const std::vector<std::vector<int64_t>>& shapes,
        const std::vector<std::vector<float>>& values)
      : parameters(leaves(shapes)), gradients(parameters, kSmallBuckets) {
    for (size_t i = 0; i < values.size(); ++i) gradient(i).copy_(at::tensor(values[i]));
  }
  static std::vector<Parameter> leaves(const std::vector<std::vector<int64_t>>& shapes) {
    std::vector<Parameter> all;
    for (const auto& shape : shapes)
      all.push_back(
          {concat("p", all.size()), Role::kMatrix, at::zeros(shape).set_requires_grad(true)});
    return all;
  }
  at::Tensor gradient(size_t i) const { return parameters[i].tensor.grad().flatten(); }
  double norm() const { return gradients.norm().item<double>(); }

  std::vector<Parameter> parameters;
  Gradients gradients;
};

TEST(GradientNorm, IsThatOfAllParametersTogether) {
  const Bound bound({{2, 2}, {3}, {1}}, {{1, 2, 0, 4}, {-4, 4, -4}, {4}});  // 21 + 48 + 16
  ASSERT_GT(bound.gradients.buckets().size(), 1u);
  EXPECT_DOUBLE_EQ(bound.norm(), std::sqrt(85.0));
}

// In fp32 the ones would be lost beside the large square, or the square itself be infinite.
TEST(GradientNorm, IsSummedInFp64) {
  std::vector<float> ones(1000, 1);
  ones[0] = 1e5F;
  EXPECT_DOUBLE_EQ(Bound({{1000}}, {ones}).norm(), std::sqrt(1e10 + 999));
  EXPECT_DOUBLE_EQ(Bound({{2}}, {{3e30F, 4e30F}}).norm(), std::hypot(double{3e30F}, double{4e30F}));
}

TEST(GradientNorm, IsNotFiniteWhereAnyGradientIsNot) {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY})
    EXPECT_FALSE(std::isfinite(Bound({{2}, {3}}, {{1, 1}, {1, bad, 1}}).norm()));
}

TEST(Clipping, ScalesALongGradientDownToTheLimitAndLeavesAShortOne) {
  EXPECT_DOUBLE_EQ(clip_factor(5, 2), 2 / (5 + 1e-6));
  EXPECT_EQ(clip_factor(5, 5.1), 1);
  EXPECT_EQ(clip_factor(0, 1), 1);
  EXPECT_EQ(clip_factor(5, 0), 1) << "0 is off";
  Bound bound({{1}, {1}}, {{3}, {-4}});
  bound.gradients.scale(clip_factor(bound.norm(), 0.5));
  EXPECT_NEAR(bound.gradient(0).item<float>(), 0.3, 1e-6);
  EXPECT_NEAR(bound.gradient(1).item<float>(), -0.4, 1e-6);
}

// PyTorch sums in fp32: a few times 2^-24 of the norm.
TEST(Clipping, AgreesWithPyTorch) {
  const json golden = json::parse(read_file(GOLDEN_DIR "/clip.json"));
  for (const json& one : golden["clipped"]) {
    Bound bound(golden["shapes"].get<std::vector<std::vector<int64_t>>>(),
                golden["gradients"].get<std::vector<std::vector<float>>>());
    const double norm = bound.norm();
    EXPECT_NEAR(norm, one["norm"].get<double>(), 1e-6 * norm);
    bound.gradients.scale(clip_factor(norm, one["limit"]));
    for (size_t i = 0; i < bound.parameters.size(); ++i) {
      const at::Tensor expected = at::tensor(one["gradients"][i].get<std::vector<float>>());
      EXPECT_TRUE(at::allclose(bound.gradient(i), expected, 1e-6, 0)) << one["limit"];
    }
  }
}

}  // namespace
}  // namespace reprise
