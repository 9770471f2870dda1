// Analytic gradients against central differences, in double precision.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/csrc/autograd/variable.h>

#include <functional>
#include <vector>

namespace reprise::test {

using ScalarFunction = std::function<at::Tensor()>;

/// d value() / d input by moving every element of `input` (a leaf, fp64, contiguous) both ways.
inline at::Tensor numeric_gradient(const ScalarFunction& value, const at::Tensor& input) {
  constexpr double kStep = 1e-5;
  at::NoGradGuard no_grad;
  at::Tensor gradient = at::zeros_like(input);
  double* element = input.data_ptr<double>();
  for (int64_t i = 0; i < input.numel(); ++i) {
    const double original = element[i];
    element[i] = original + kStep;
    const double above = value().item<double>();
    element[i] = original - kStep;
    const double below = value().item<double>();
    element[i] = original;
    gradient.data_ptr<double>()[i] = (above - below) / (2 * kStep);
  }
  return gradient;
}

/// Expects autograd's gradient of value() in every input to be the numeric one.
inline void expect_gradients(const ScalarFunction& value, const std::vector<at::Tensor>& inputs) {
  const auto gradients = torch::autograd::grad({value()}, inputs, {}, {}, false, true);
  for (size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_TRUE(gradients[i].defined()) << "input " << i << " has no gradient";
    const at::Tensor numeric = numeric_gradient(value, inputs[i]);
    const double scale = std::max(numeric.abs().max().item<double>(), 1e-3);
    EXPECT_LT((gradients[i] - numeric).abs().max().item<double>() / scale, 1e-6) << "input " << i;
  }
}

}  // namespace reprise::test
