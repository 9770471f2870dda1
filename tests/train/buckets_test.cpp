#include "train/buckets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/gradients.h"

namespace reprise {
namespace {
using testing::ElementsAre;
using Plan = std::vector<std::vector<size_t>>;

Plan plan(std::vector<int64_t> sizes, BucketLimits limits) { return plan_buckets(sizes, limits); }

TEST(Buckets, GoFromTheLastParameterToTheFirst) {
  EXPECT_EQ(plan({4, 4, 4, 4, 4}, {.first_bytes = 4, .bytes = 8}), (Plan{{4}, {3, 2}, {1, 0}}));
}

TEST(Buckets, CloseBeforeTheParameterThatWouldNotFit) {
  EXPECT_EQ(plan({3, 3, 2}, {.first_bytes = 4, .bytes = 5}), (Plan{{2}, {1}, {0}}));
  EXPECT_EQ(plan({3, 2, 2}, {.first_bytes = 4, .bytes = 5}), (Plan{{2, 1}, {0}}));
}

TEST(Buckets, GiveALargeParameterOneOfItsOwn) {
  EXPECT_EQ(plan({1, 100, 1}, {.first_bytes = 4, .bytes = 8}), (Plan{{2}, {1}, {0}}));
}

TEST(Buckets, OfNothingAreNone) { EXPECT_EQ(plan({}, {}), Plan{}); }

TEST(Gradients, AreViewsIntoTheirBuckets) {
  const auto weight = [](at::IntArrayRef shape) {
    return at::zeros(shape).set_requires_grad(true);
  };
  const std::vector<Parameter> parameters{{"a", Role::kMatrix, weight({2, 3})},
                                          {"b", Role::kScalar, weight({2})}};
  Gradients gradients(parameters, {.first_bytes = 100, .bytes = 100});
  ASSERT_EQ(gradients.buckets().size(), 1u);
  for (int i = 0; i < 2; ++i)
    (parameters[0].tensor.sum() + 2 * parameters[1].tensor.sum()).backward();
  EXPECT_TRUE(at::equal(gradients.buckets()[0],
                        at::tensor({4.0F, 4.0F, 2.0F, 2.0F, 2.0F, 2.0F, 2.0F, 2.0F})));
  EXPECT_FLOAT_EQ(gradients.norm().item<float>(), std::sqrt(2 * 16.0F + 6 * 4.0F));
  gradients.zero();
  EXPECT_EQ(parameters[0].tensor.grad().abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace reprise
