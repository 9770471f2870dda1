#include "train/adamw.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

namespace reprise {

AdamW::AdamW(std::vector<Parameter> parameters, AdamWOptions options) : options_(options) {
  for (auto& parameter : parameters) {
    const auto plain = parameter.tensor.options().requires_grad(false);
    means_.push_back(at::zeros(parameter.tensor.sizes(), plain));
    squares_.push_back(at::zeros(parameter.tensor.sizes(), plain));
    weights_.push_back(parameter.tensor);
    names_.push_back(std::move(parameter.name));
  }
  if (!weights_.empty())
    counts_.assign(weights_.size(), at::zeros({}, means_[0].options().dtype(at::kFloat)));
}

void AdamW::step(const AdamWStep& step) {
  if (weights_.empty()) return;
  const torch::autograd::AutoGradMode no_graph(false);
  std::vector<at::Tensor> gradients;
  for (const auto& weight : weights_) gradients.push_back(weight.grad());
  counts_[0].fill_(static_cast<double>(step.step + 1));
  at::_fused_adamw_(weights_, gradients, means_, squares_, /*max_exp_avg_sqs=*/{}, counts_,
                    step.rate, options_.beta1, options_.beta2, step.weight_decay, options_.epsilon,
                    /*amsgrad=*/false, /*maximize=*/false);
}

std::vector<NamedTensor> AdamW::state() const {
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; i < names_.size(); ++i) {
    tensors.push_back({"adamw.mean." + names_[i], means_[i]});
    tensors.push_back({"adamw.square." + names_[i], squares_[i]});
  }
  return tensors;
}

}  // namespace reprise
