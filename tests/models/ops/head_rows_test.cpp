// The head's loss as devices without kernels compute it, against autograd through its definition.
#include "models/ops/head_rows.h"

#include <gtest/gtest.h>

#include "models/ops/head.h"
#include "models/ops/reference.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

constexpr double kSoftcap = 5;

/// raw logits are features times the identity, so that both sides start from the same numbers.
struct Example {
  at::Tensor raw_NV = 4 * test::normal_tensor({7, 13}, 20, at::kDouble);
  at::Tensor targets_N = at::tensor({3, 0, 12, 7, 7, 1, 2}, at::kLong);
  at::Tensor grad_nats_N = test::normal_tensor({7}, 21, at::kDouble);
};

at::Tensor defined_nats(const at::Tensor& raw_NV, const at::Tensor& targets_N) {
  const at::Tensor identity = at::eye(raw_NV.size(1), raw_NV.options().requires_grad(false));
  return ops::reference::cross_entropy(raw_NV, identity, targets_N, kSoftcap);
}

TEST(HeadRows, LossesAreTheDefinitions) {
  const Example x;
  const auto [nats_N, log_sums_N] = ops::losses_of_rows(x.raw_NV, x.targets_N, kSoftcap);
  EXPECT_LT(test::relative_difference(nats_N, defined_nats(x.raw_NV, x.targets_N)), 1e-13);
  const at::Tensor capped_NV = kSoftcap * at::tanh(x.raw_NV / kSoftcap);
  EXPECT_LT(test::relative_difference(log_sums_N, at::logsumexp(capped_NV, -1)), 1e-13);
}

TEST(HeadRows, SlopesAreTheDefinitionsGradient) {
  const Example x;
  const at::Tensor leaf = x.raw_NV.clone().requires_grad_();
  const auto expected =
      torch::autograd::grad({defined_nats(leaf, x.targets_N)}, {leaf}, {x.grad_nats_N});
  const at::Tensor log_sums_N = ops::losses_of_rows(x.raw_NV, x.targets_N, kSoftcap).log_sums_N;
  const at::Tensor slopes_NV =
      ops::slopes_of_rows({x.raw_NV, x.targets_N, log_sums_N, x.grad_nats_N, kSoftcap});
  EXPECT_LT(test::relative_difference(slopes_NV, expected[0]), 1e-13);
}

// No kernel of ours takes binary16, so the whole operation runs on these expressions, forward and
// backward. binary16 carries 11 bits: some times 2^-11 of the largest value.
TEST(HeadRows, TheOperationUsesThemWhereThereAreNoKernels) {
  const at::Tensor features = test::normal_tensor({7, 6}, 22, at::kHalf).requires_grad_();
  const at::Tensor embedding = test::normal_tensor({13, 6}, 23, at::kHalf).requires_grad_();
  const Example x;
  const at::Tensor nats = ops::cross_entropy(features, embedding, x.targets_N, kSoftcap);
  const at::Tensor wide_features = features.detach().to(at::kDouble).requires_grad_();
  const at::Tensor wide_embedding = embedding.detach().to(at::kDouble).requires_grad_();
  const at::Tensor wide =
      ops::reference::cross_entropy(wide_features, wide_embedding, x.targets_N, kSoftcap);
  EXPECT_EQ(nats.scalar_type(), at::kFloat);
  EXPECT_LT(test::relative_difference(nats, wide), 0x1p-8);
  const auto ours = torch::autograd::grad({nats.sum()}, {features, embedding});
  const auto expected = torch::autograd::grad({wide.sum()}, {wide_features, wide_embedding});
  for (size_t i = 0; i < ours.size(); ++i)
    EXPECT_LT(test::relative_difference(ours[i], expected[i]), 0x1p-8) << "gradient " << i;
}

}  // namespace
}  // namespace reprise
