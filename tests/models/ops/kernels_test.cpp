// Every kernel against its reference, in every type, forward and backward; and its derivative
// against finite differences.
#include <ATen/OpMathType.h>
#include <gmock/gmock.h>

#include "tests/models/gradient_check.h"
#include "tests/models/ops/operations.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

using test::Operation;
using test::Tensors;

struct Case {
  Operation operation;
  at::ScalarType type;
};

/// Of the largest value: bf16 rounds inputs of products, results and gradients to 2^-9 each; the
/// others to their own precision, some tens of times.
double tolerance_of(at::ScalarType type) {
  return type == at::kBFloat16 ? 0x1p-6 : type == at::kFloat ? 5e-6 : 1e-13;
}

/// The inputs in `type`, weights in its wide type, as leaves.
Tensors leaves(const Operation& operation, at::ScalarType type) {
  Tensors inputs;
  for (const at::Tensor& input : operation.inputs) {
    const bool wide = inputs.size() + operation.wide >= operation.inputs.size();
    inputs.push_back(input.to(wide ? at::toOpMathType(type) : type).clone().requires_grad_());
  }
  return inputs;
}

/// The same numbers in another type.
Tensors same_values(const Tensors& inputs, at::ScalarType type) {
  Tensors others;
  for (const at::Tensor& input : inputs)
    others.push_back(input.detach().to(type).clone().requires_grad_());
  return others;
}

/// A number every output element contributes to differently.
at::Tensor weighted_sum(const Tensors& outputs) {
  at::Tensor sum = at::zeros({}, at::kDouble);
  uint32_t stream = 50;
  for (const at::Tensor& output : outputs)
    sum =
        sum +
        (output.to(at::kDouble) * test::normal_tensor(output.sizes(), stream++, at::kDouble)).sum();
  return sum;
}

class Kernels : public testing::TestWithParam<Case> {};

TEST_P(Kernels, MatchTheReference) {
  const auto& [operation, type] = GetParam();
  const Tensors inputs = leaves(operation, type);
  const Tensors wide = same_values(inputs, at::toOpMathType(type));
  const Tensors ours = operation.ours(inputs), expected = operation.reference(wide);
  ASSERT_EQ(ours.size(), expected.size());
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].sizes(), expected[i].sizes());
    EXPECT_LT(test::relative_difference(ours[i], expected[i]), tolerance_of(type))
        << "output " << i;
  }
  const auto our_grads = torch::autograd::grad({weighted_sum(ours)}, inputs);
  const auto expected_grads = torch::autograd::grad({weighted_sum(expected)}, wide);
  for (size_t i = 0; i < inputs.size(); ++i)
    EXPECT_LT(test::relative_difference(our_grads[i], expected_grads[i]), tolerance_of(type))
        << "gradient " << i;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Operation& operation : test::operations())
    for (at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16})
      all.push_back({operation, type});
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, Kernels, testing::ValuesIn(cases()), [](const auto& test) {
  return concat(test.param.operation.name, "_", c10::toString(test.param.type));
});

class KernelGradient : public testing::TestWithParam<Operation> {};

TEST_P(KernelGradient, IsTheNumericOne) {
  const Tensors inputs = leaves(GetParam(), at::kDouble);
  test::expect_gradients([&] { return weighted_sum(GetParam().ours(inputs)); }, inputs);
}

/// Every element costs two evaluations.
std::vector<Operation> small_operations() {
  std::vector<Operation> all = test::operations();
  std::erase_if(all, [](const Operation& operation) {
    int64_t elements = 0;
    for (const at::Tensor& input : operation.inputs) elements += input.numel();
    return elements > 2500;
  });
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, KernelGradient, testing::ValuesIn(small_operations()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace reprise
