#include "models/gate_head.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/gradient_check.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

const at::Tensor kState_TD = at::tensor({1.0, 2.0, 3.0, 4.0}, at::kDouble).view({2, 2});
const at::Tensor kSignals_TS = at::tensor({0.1, 0.2, 0.3, 0.4, 0.5, 0.6}, at::kDouble).view({2, 3});

TEST(GateHead, ReadsTheStateTheSignalsOrBoth) {
  for (const auto& [reads, width] :
       {std::pair{GateReads::kState, 2}, {GateReads::kSignals, 3}, {GateReads::kBoth, 5}}) {
    const HeadOptions options{.reads = reads};
    EXPECT_EQ(gate_inputs(options, /*width=*/2), width);
    EXPECT_EQ(gate_inputs(options, kState_TD, kSignals_TS).size(-1), width);
  }
  EXPECT_TRUE(at::equal(gate_inputs({.reads = GateReads::kBoth}, kState_TD, kSignals_TS)[1],
                        at::tensor({3.0, 4.0, 0.4, 0.5, 0.6}, at::kDouble)));
}

TEST(GateHead, ASignalsHeadNeedsNoState) {
  EXPECT_TRUE(at::equal(gate_inputs({.reads = GateReads::kSignals}, at::Tensor(), kSignals_TS),
                        kSignals_TS));
}

TEST(GateHead, StartsAtZeroAndIsAFunctionOfTheSeed) {
  for (const auto shape : {GateShape::kLinear, GateShape::kMlp}) {
    const HeadOptions options{.shape = shape, .hidden = 7};
    const GateHead head(options, 5, 1), same(options, 5, 1), other(options, 5, 2);
    EXPECT_EQ(head.scores(at::randn({3, 4, 5})).abs().max().item<float>(), 0);
    EXPECT_TRUE(at::equal(head.list()[0].tensor, same.list()[0].tensor));
    EXPECT_EQ(at::equal(head.list()[0].tensor, other.list()[0].tensor),
              shape == GateShape::kLinear);
    EXPECT_EQ(head.count(), shape == GateShape::kLinear ? 6 : 7 * 5 + 7 + 7 + 1);
  }
  const GateHead mlp({.shape = GateShape::kMlp, .hidden = 64}, 5, 1);
  const double largest = mlp.list()[0].tensor.abs().max().item<double>();
  EXPECT_LE(largest, 1 / std::sqrt(5.0));
  EXPECT_GT(largest, 0.9 / std::sqrt(5.0));
}

TEST(GateHead, GradientsAreTheNumericOnes) {
  const at::Tensor inputs = test::normal_tensor({2, 3, 5}, 1, at::kDouble);
  for (const auto shape : {GateShape::kLinear, GateShape::kMlp}) {
    const GateHead head({.shape = shape, .hidden = 4}, 5, 1, at::kCPU, at::kDouble);
    std::vector<at::Tensor> leaves;
    uint32_t stream = 10;
    for (const auto& parameter : head.list()) {
      parameter.tensor.detach().copy_(
          test::normal_tensor(parameter.tensor.sizes(), stream++, at::kDouble));
      leaves.push_back(parameter.tensor);
    }
    test::expect_gradients([&] { return head.scores(inputs).square().sum(); }, leaves);
  }
}

}  // namespace
}  // namespace reprise
