// Models small enough for numeric derivatives, of every family.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/variable.h>

#include "base/random.h"
#include "models/network.h"

namespace reprise::test {

inline ModelOptions tiny_static() {
  ModelOptions options;
  options.family = Family::kStatic;
  options.vocab = 11;
  options.width = 8;
  options.heads = 2;
  options.kv_heads = 1;
  options.prelude = 1;
  options.core = 1;
  options.coda = 1;
  options.passes = 1;
  options.context = 6;
  options.softcap = 5;
  return options;
}

inline ModelOptions tiny_recurrent() {
  ModelOptions options = tiny_static();
  options.family = Family::kRecurrent;
  options.passes = 2;
  options.rope_share = 0.5;
  return options;
}

inline ModelOptions tiny_relaxed() {
  ModelOptions options = tiny_recurrent();
  options.family = Family::kRelaxed;
  options.lora_rank = 2;
  return options;
}

inline ModelOptions tiny_moe() {
  ModelOptions options = tiny_recurrent();
  options.family = Family::kMoe;
  options.experts = {.count = 3, .top_k = 2, .width = 8};
  return options;
}

/// Experts in the value and output projections too.
inline ModelOptions tiny_moe_attention() {
  ModelOptions options = tiny_moe();
  options.experts.attention_count = 3;
  options.experts.attention_top_k = 1;
  return options;
}

inline ModelOptions tiny_partial() {
  ModelOptions options = tiny_static();
  options.family = Family::kPartial;
  options.basis_rank = 4;
  options.basis_terms = 2;
  return options;
}

/// The weights that the readout has a gradient in. Which state a position exits with is a
/// comparison, through which none flows to the head.
inline std::vector<at::Tensor> read_weights(const Parameters& parameters,
                                            const ModelOptions& options) {
  std::vector<at::Tensor> weights;
  for (const Parameter& parameter : parameters.list())
    if (options.halting != Halting::kExit || !parameter.name.starts_with("halt."))
      weights.push_back(parameter.tensor);
  return weights;
}

/// Numbers without meaning, the same in every run.
inline at::Tensor normal_tensor(at::IntArrayRef shape, uint32_t stream, at::ScalarType type) {
  at::Tensor values = at::empty(shape, at::kDouble);
  const RandomStream random(1234, Purpose::kTest, stream);
  for (int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<double>()[i] = random.normal(static_cast<uint64_t>(i));
  return values.to(type);
}

/// Weights away from their initial values, where outputs are zero and gradients with them.
inline Parameters lively_parameters(const ModelOptions& options, at::ScalarType type) {
  Parameters parameters(options, 7, at::kCPU, type);
  uint32_t stream = 0;
  for (const Parameter& parameter : parameters.list()) {
    const double deviation = parameter.role == Role::kScalar ? 0.2 : 0.4;
    parameters.assign(parameter.name,
                      parameter.tensor.detach() +
                          deviation * normal_tensor(parameter.tensor.sizes(), stream++, type));
  }
  return parameters;
}

inline at::Tensor some_tokens(const ModelOptions& options, int64_t sequences, int64_t length,
                              uint32_t stream = 99) {
  at::Tensor tokens = at::empty({sequences, length}, at::kLong);
  const RandomStream random(1234, Purpose::kTest, stream);
  for (int64_t i = 0; i < tokens.numel(); ++i)
    tokens.data_ptr<int64_t>()[i] = static_cast<int64_t>(
        random.below(static_cast<uint64_t>(i), static_cast<uint64_t>(options.vocab)));
  return tokens;
}

/// The largest |a - b| over the largest |b|.
inline double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  if (b.numel() == 0) return a.numel() == 0 ? 0 : 1;
  const at::Tensor reference = b.detach().to(at::kDouble);
  const double scale = std::max(reference.abs().max().item<double>(), 1e-30);
  return (a.detach().to(at::kDouble) - reference).abs().max().item<double>() / scale;
}

}  // namespace reprise::test
