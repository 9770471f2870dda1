#include "train/muon.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>

namespace reprise {
namespace {

constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;
constexpr double kSmallestNorm = 1e-7;

std::vector<at::Tensor> gradients_of(const std::vector<Parameter>& members) {
  std::vector<at::Tensor> gradients;
  for (const auto& member : members) gradients.push_back(member.tensor.grad());
  return gradients;
}

}  // namespace

at::Tensor newton_schulz(const at::Tensor& matrices_NRC, int64_t iterations,
                         at::ScalarType compute) {
  // The Gram matrix is formed over the shorter side.
  const bool tall = matrices_NRC.size(1) > matrices_NRC.size(2);
  at::Tensor x = tall ? matrices_NRC.transpose(1, 2) : matrices_NRC;
  // The Frobenius norm bounds the largest singular value, so every one starts in [0, 1].
  const at::Tensor norm_N11 = x.square().sum({1, 2}, /*keepdim=*/true).sqrt();
  x = (x / norm_N11.clamp_min(kSmallestNorm)).to(compute);
  for (int64_t i = 0; i < iterations; ++i) {
    const at::Tensor gram = at::bmm(x, x.transpose(1, 2));
    const at::Tensor polynomial = at::baddbmm(gram, gram, gram, kB, kC);
    x = at::baddbmm(x, polynomial, x, kA, 1);
  }
  x = x.to(matrices_NRC.scalar_type());
  return tall ? x.transpose(1, 2) : x;
}

Muon::Muon(std::vector<Parameter> matrices, int64_t iterations, at::ScalarType compute)
    : iterations_(iterations), compute_(compute) {
  for (auto& matrix : matrices) {
    const auto same = std::ranges::find_if(groups_, [&](const Group& group) {
      return group.members.front().tensor.sizes() == matrix.tensor.sizes();
    });
    Group& group = same != groups_.end() ? *same : groups_.emplace_back();
    group.members.push_back(std::move(matrix));
  }
  for (auto& group : groups_) {
    const at::Tensor& first = group.members.front().tensor;
    group.momentum_NRC =
        at::zeros({static_cast<int64_t>(group.members.size()), first.size(0), first.size(1)},
                  first.options().requires_grad(false));
  }
}

void Muon::step(const MuonStep& step) {
  const torch::autograd::AutoGradMode no_graph(false);
  for (auto& group : groups_) {
    const at::Tensor gradient_NRC = at::stack(gradients_of(group.members));
    group.momentum_NRC.lerp_(gradient_NRC, 1 - step.momentum);
    const at::Tensor update_NRC =
        newton_schulz(gradient_NRC.lerp(group.momentum_NRC, step.momentum), iterations_, compute_);
    const auto rows = static_cast<double>(update_NRC.size(1)),
               columns = static_cast<double>(update_NRC.size(2));
    const double rate = step.rate * std::sqrt(std::max(1.0, rows / columns));
    for (size_t i = 0; i < group.members.size(); ++i) {
      at::Tensor weight = group.members[i].tensor;
      weight.mul_(1 - step.rate * step.weight_decay)
          .add_(update_NRC[static_cast<int64_t>(i)], -rate);
    }
  }
}

std::vector<NamedTensor> Muon::state() const {
  std::vector<NamedTensor> tensors;
  for (const auto& group : groups_)
    for (size_t i = 0; i < group.members.size(); ++i)
      tensors.push_back({concat("muon.momentum.", group.members[i].name),
                         group.momentum_NRC[static_cast<int64_t>(i)]});
  return tensors;
}

}  // namespace reprise
