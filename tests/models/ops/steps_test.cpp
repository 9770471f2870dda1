// Comparisons of states, by the kernels against the tensor expressions in double precision.
#include "models/ops/steps.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "models/ops/reference.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

class Steps : public testing::TestWithParam<at::ScalarType> {};

// bf16 is widened exactly, so that both sides start from the same numbers; sums are fp32.
TEST_P(Steps, AreTheDefinitions) {
  const double tolerance = GetParam() == at::kDouble ? 1e-14 : 2e-6;
  for (const int64_t width : {1, 7, 37, 256, 1031}) {
    const auto state = [&](uint32_t stream) {
      return test::normal_tensor({19, width}, stream, at::kDouble).to(GetParam());
    };
    const at::Tensor oldest = state(40), before = oldest + 0.3 * state(41),
                     now = before + 0.1 * state(42);
    const ops::Steps ours = ops::compare_states(oldest, before, now);
    const auto wide = [](const at::Tensor& x) { return x.to(at::kDouble); };
    const ops::Steps expected =
        ops::reference::compare_states(wide(oldest), wide(before), wide(now));
    EXPECT_LT(test::relative_difference(ours.residual_N, expected.residual_N), tolerance) << width;
    EXPECT_LT(test::relative_difference(ours.cosine_N, expected.cosine_N), tolerance) << width;
    EXPECT_LT(test::relative_difference(ours.second_order_N, expected.second_order_N), tolerance)
        << width;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Steps, testing::Values(at::kDouble, at::kFloat, at::kBFloat16),
                         [](const auto& test) { return c10::toString(test.param); });

TEST(StepsOf, OtherShapesAndTypesAreRefused) {
  const at::Tensor x = at::ones({3, 4});
  EXPECT_THROW(ops::compare_states(x, x.slice(0, 1), x), Error);
  EXPECT_THROW(ops::compare_states(x, x, x.to(at::kDouble)), Error);
  EXPECT_THROW(ops::compare_states(x[0], x[0], x[0]), Error);
}

}  // namespace
}  // namespace reprise
