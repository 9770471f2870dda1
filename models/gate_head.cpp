#include "models/gate_head.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/variable.h>

#include <cmath>

#include "base/random.h"

namespace reprise {
namespace {

constexpr int64_t kMostHidden = 1 << 16;

/// Drawn on the host in double precision, so that every device and type starts from the same.
at::Tensor uniform_weights(int64_t rows, int64_t columns, uint64_t seed) {
  const at::Tensor weights_RC = at::empty({rows, columns}, at::kDouble);
  const RandomStream stream(seed, Purpose::kInit);
  const double bound = 1 / std::sqrt(static_cast<double>(columns));
  double* weight = weights_RC.mutable_data_ptr<double>();
  for (int64_t i = 0; i < rows * columns; ++i)
    weight[i] = bound * (2 * stream.uniform(static_cast<uint64_t>(i)) - 1);
  return weights_RC;
}

}  // namespace

void validate(const HeadOptions& options) {
  require(
      options.shape == GateShape::kLinear || (1 <= options.hidden && options.hidden <= kMostHidden),
      ExitCode::kUsage, "gate.hidden is ", options.hidden, "; an mlp has from 1 to ", kMostHidden,
      " hidden units");
}

int64_t gate_inputs(const HeadOptions& options, int64_t width) {
  return (options.reads_state() ? width : 0) + (options.reads_signals() ? kGateSignals : 0);
}

at::Tensor gate_inputs(const HeadOptions& options, const at::Tensor& state,
                       const at::Tensor& signals) {
  if (!options.reads_signals()) return state;
  if (!options.reads_state()) return signals;
  return at::cat({state, signals}, -1);
}

GateHead::GateHead(const HeadOptions& options, int64_t inputs, uint64_t seed, at::Device device,
                   at::ScalarType type) {
  const auto add = [&](const char* name, Role role, const at::Tensor& values) {
    const auto as = at::TensorOptions(device).dtype(type);
    list_.push_back({name, role, values.to(as).set_requires_grad(true)});
  };
  const int64_t last = options.shape == GateShape::kMlp ? options.hidden : inputs;
  if (options.shape == GateShape::kMlp) {
    add("hidden.weight", Role::kMatrix, uniform_weights(options.hidden, inputs, seed));
    add("hidden.bias", Role::kScalar, at::zeros({options.hidden}, at::kDouble));
  }
  add("output.weight", Role::kMatrix, at::zeros({last}, at::kDouble));
  add("output.bias", Role::kScalar, at::zeros({1}, at::kDouble));
}

at::Tensor GateHead::scores(const at::Tensor& inputs) const {
  at::Tensor read = inputs.to(list_.front().tensor.scalar_type());
  if (list_.size() == 4)
    read = at::relu(at::linear(read, list_[0].tensor, list_[1].tensor)).square();
  const at::Tensor& weight = list_[list_.size() - 2].tensor;
  return at::linear(read, weight.unsqueeze(0), list_.back().tensor).squeeze(-1);
}

GateHead GateHead::to(at::ScalarType type) const {
  GateHead other = *this;
  for (auto& parameter : other.list_)
    parameter.tensor = parameter.tensor.detach()
                           .to(type, /*non_blocking=*/false, /*copy=*/true)
                           .set_requires_grad(true);
  return other;
}

int64_t GateHead::count() const {
  int64_t elements = 0;
  for (const auto& parameter : list_) elements += parameter.tensor.numel();
  return elements;
}

}  // namespace reprise
