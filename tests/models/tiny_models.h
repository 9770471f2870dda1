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

/// A model every promise of the network is tested on.
struct Variant {
  std::string name;
  ModelOptions options;
};

inline std::vector<Variant> variants() {
  const auto with = [](std::string name, ModelOptions options, auto change) {
    change(options);
    return Variant{std::move(name), options};
  };
  return {
      {"static", tiny_static()},
      {"recurrent", tiny_recurrent()},
      with("static_skips", tiny_static(),
           [](ModelOptions& o) {
             o.skips = true;
             o.core = 2;  // 0 to 3 and 1 to 2, of four layers
           }),
      with("recurrent_skips", tiny_recurrent(),
           [](ModelOptions& o) {
             o.skips = true;
             o.core = 3;  // 1 to 2 within the core, 0 to 3 into it, of five layers
           }),
      with("untied", tiny_recurrent(), [](ModelOptions& o) { o.tied = false; }),
      with("factorised", tiny_static(), [](ModelOptions& o) { o.embedding_rank = 3; }),
      with("untied_factorised", tiny_recurrent(),
           [](ModelOptions& o) {
             o.tied = false;
             o.embedding_rank = 3;
           }),
      with("mix_and_embedding", tiny_recurrent(),
           [](ModelOptions& o) {
             o.reinjection = Reinjection::kMix;
             o.pass_embedding = true;
           }),
      with("project", tiny_recurrent(),
           [](ModelOptions& o) { o.reinjection = Reinjection::kProject; }),
      with("film", tiny_recurrent(), [](ModelOptions& o) { o.film = true; }),
      with("bounded", tiny_recurrent(),
           [](ModelOptions& o) { o.reinjection = Reinjection::kBounded; }),
      with("lora", tiny_recurrent(), [](ModelOptions& o) { o.lora_rank = 2; }),
      with("mixing", tiny_recurrent(), [](ModelOptions& o) { o.pass_mixing = true; }),
      {"relaxed", tiny_relaxed()},
      with("relaxed_film", tiny_relaxed(),
           [](ModelOptions& o) {
             o.film = true;
             o.lora_rank = 4;  // above the rank of the narrowest matrix
           }),
      {"moe", tiny_moe()},
      {"moe_attention", tiny_moe_attention()},
      with("moe_projection_norm", tiny_moe_attention(),
           [](ModelOptions& o) {
             o.projection_norm = true;
             o.norm = NormPlacement::kSandwich;
           }),
      {"partial", tiny_partial()},
      with("readout_sum", tiny_recurrent(), [](ModelOptions& o) { o.readout = Readout::kSum; }),
      with("readout_sum_skips_factorised", tiny_recurrent(),
           [](ModelOptions& o) {
             o.readout = Readout::kSum;
             o.skips = true;
             o.core = 2;
             o.embedding_rank = 3;
           }),
      with("moe_readout_sum", tiny_moe(), [](ModelOptions& o) { o.readout = Readout::kSum; }),
      with("halt_mixture", tiny_recurrent(),
           [](ModelOptions& o) {
             o.halting = Halting::kMixture;
             o.passes = 3;
           }),
      with("halt_exit_skips", tiny_recurrent(),
           [](ModelOptions& o) {
             o.halting = Halting::kExit;
             o.passes = 4;
             o.halt_floor = 2;
             o.pass_mixing = true;
             o.skips = true;
             o.core = 3;
           }),
      with("skips_from_the_coda", tiny_recurrent(),
           [](ModelOptions& o) {
             o.skips = true;
             o.prelude = 0;
             o.coda = 3;  // 1 to 2 within the coda, 0 to 3, of four layers
           }),
      with("sandwich", tiny_static(), [](ModelOptions& o) { o.norm = NormPlacement::kSandwich; }),
      with("peri_projection_norm", tiny_recurrent(), [](ModelOptions& o) {
        o.norm = NormPlacement::kPeri;
        o.projection_norm = true;
      })};
}

inline void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

inline std::vector<Variant> recurrent_variants() {
  std::vector<Variant> all = variants();
  std::erase_if(all, [](const Variant& v) { return !loops(v.options.family); });
  return all;
}

inline std::string variant_name(const testing::TestParamInfo<Variant>& test) {
  return test.param.name;
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
