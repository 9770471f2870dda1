#include "train/muon.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace reprise {
namespace {

constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;
constexpr double kSmallestNorm = 1e-7;
constexpr int64_t kBatchElements = 1 << 20;

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

std::vector<std::vector<size_t>> plan_matrix_batches(const std::vector<Parameter>& matrices) {
  std::vector<std::vector<size_t>> batches;
  std::map<std::vector<int64_t>, size_t> open;  // of each shape, the batch that grows
  for (size_t i = 0; i < matrices.size(); ++i) {
    const at::Tensor& matrix = matrices[i].tensor;
    const auto [place, is_new] = open.try_emplace(matrix.sizes().vec(), batches.size());
    const bool has_room =
        !is_new && (std::ssize(batches[place->second]) + 1) * matrix.numel() <= kBatchElements;
    if (!has_room) {
      place->second = batches.size();
      batches.emplace_back();
    }
    batches[place->second].push_back(i);
  }
  return batches;
}

Muon::Muon(std::vector<Parameter> matrices, int64_t iterations, at::ScalarType compute)
    : iterations_(iterations), compute_(compute) {
  for (const auto& indices : plan_matrix_batches(matrices)) {
    MatrixBatch& batch = batches_.emplace_back();
    for (const size_t i : indices) batch.members.push_back(std::move(matrices[i]));
    const at::Tensor& first = batch.members.front().tensor;
    batch.momentum_NRC = at::zeros({std::ssize(batch.members), first.size(0), first.size(1)},
                                   first.options().requires_grad(false));
  }
}

void Muon::step(const MuonStep& step) {
  const torch::autograd::AutoGradMode no_graph(false);
  for (auto& batch : batches_) {
    const at::Tensor gradient_NRC = at::stack(gradients_of(batch.members));
    batch.momentum_NRC.lerp_(gradient_NRC, 1 - step.momentum);
    const at::Tensor update_NRC =
        newton_schulz(gradient_NRC.lerp(batch.momentum_NRC, step.momentum), iterations_, compute_);
    const auto rows = static_cast<double>(update_NRC.size(1)),
               columns = static_cast<double>(update_NRC.size(2));
    const double rate = step.rate * std::sqrt(std::max(1.0, rows / columns));
    for (size_t i = 0; i < batch.members.size(); ++i) {
      at::Tensor weight = batch.members[i].tensor;
      weight.mul_(1 - step.rate * step.weight_decay)
          .add_(update_NRC[static_cast<int64_t>(i)], -rate);
    }
  }
}

std::vector<NamedTensor> Muon::state() const {
  std::vector<NamedTensor> tensors;
  for (const auto& batch : batches_)
    for (size_t i = 0; i < batch.members.size(); ++i)
      tensors.push_back({concat("muon.momentum.", batch.members[i].name),
                         batch.momentum_NRC[static_cast<int64_t>(i)]});
  return tensors;
}

}  // namespace reprise
