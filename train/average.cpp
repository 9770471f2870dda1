#include "train/average.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "base/error.h"

namespace reprise {

WeightAverage::WeightAverage(double decay, const std::vector<Parameter>& parameters)
    : decay_(decay) {
  if (decay == 0) return;
  for (const auto& parameter : parameters) {
    names_.push_back(parameter.name);
    weights_.push_back(parameter.tensor);
    averages_.push_back(
        at::zeros(parameter.tensor.sizes(), parameter.tensor.options().requires_grad(false)));
  }
}

void WeightAverage::update(int64_t step) {
  if (averages_.empty()) return;
  const torch::autograd::AutoGradMode no_graph(false);
  const double all = 1 - std::pow(decay_, static_cast<double>(step + 1));
  at::_foreach_lerp_(averages_, weights_, (1 - decay_) / all);
}

void WeightAverage::install() const {
  const torch::autograd::AutoGradMode no_graph(false);
  for (size_t i = 0; i < averages_.size(); ++i) at::Tensor(weights_[i]).copy_(averages_[i]);
}

std::vector<NamedTensor> WeightAverage::state() const {
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; i < names_.size(); ++i)
    tensors.push_back({concat("average.", names_[i]), averages_[i]});
  return tensors;
}

}  // namespace reprise
