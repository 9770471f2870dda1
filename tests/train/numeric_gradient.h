// Derivatives by central differences, to hold against autograd's, in double precision.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <functional>
#include <vector>

namespace reprise::test {

inline at::Tensor numeric_gradient(const std::function<at::Tensor()>& loss, at::Tensor input) {
  constexpr double kStep = 1e-5;
  const torch::autograd::AutoGradMode no_graph(false);
  at::Tensor gradient = at::empty_like(input);
  double* value = input.data_ptr<double>();
  for (int64_t i = 0; i < input.numel(); ++i) {
    const double before = value[i];
    value[i] = before + kStep;
    const double above = loss().item<double>();
    value[i] = before - kStep;
    const double below = loss().item<double>();
    value[i] = before;
    gradient.data_ptr<double>()[i] = (above - below) / (2 * kStep);
  }
  return gradient;
}

/// Central differences err by about step^2 and by rounding over step: 1e-8 for values of order one.
inline void expect_gradients_agree(const std::function<at::Tensor()>& loss,
                                   const std::vector<at::Tensor>& inputs, double tolerance = 1e-6) {
  const auto gradients =
      torch::autograd::grad({loss()}, inputs, {}, std::nullopt, false, /*allow_unused=*/true);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const at::Tensor expected = numeric_gradient(loss, inputs[i]);
    const at::Tensor actual = gradients[i].defined() ? gradients[i] : at::zeros_like(expected);
    EXPECT_TRUE(at::allclose(actual, expected, tolerance, tolerance))
        << "input " << i << ": off by " << (actual - expected).abs().max().item<double>();
  }
}

}  // namespace reprise::test
