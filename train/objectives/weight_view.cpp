#include "train/objectives/weight_view.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <map>
#include <span>

#include "base/random.h"
#include "models/artifact/quantisers/quantiser.h"
#include "models/device.h"
#include "train/objectives/export_step.h"

namespace reprise {
namespace {

constexpr double kLargestPenalty = 1e6;
constexpr uint64_t kMostElements = uint64_t{1} << 40;

bool has_codes(std::span<const int64_t> shape) { return stored_as_codes(shape, QuantiserOptions{}); }

/// What more than one pass or layer is made of: no pass's own change.
bool is_shared(const std::string& name, const ModelOptions& model) {
  if (name.find(".lora.") != name.npos) return false;
  if (!loops(model.family)) return name == "basis";
  for (int64_t layer = model.prelude; layer < model.prelude + model.core; ++layer)
    if (name.starts_with(concat("layer.", layer, "."))) return true;
  return false;
}

bool is_noisy(const WeightOptions& options, const ModelOptions& model, const std::string& name,
              std::span<const int64_t> shape) {
  return has_codes(shape) && (options.noisy == NoisyWeights::kAll || is_shared(name, model));
}

/// In [-1/2, 1/2).
at::Tensor uniform_noise(const at::Tensor& like, const RandomStream& stream, uint64_t first) {
  at::Tensor noise = at::empty(like.sizes(), at::kFloat);
  auto* out = noise.data_ptr<float>();
  constexpr int64_t kGrain = 4096;
  at::parallel_for(0, noise.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      out[i] = static_cast<float>(stream.uniform(first + static_cast<uint64_t>(i)) - 0.5);
  });
  return moved_to(like.device(), noise).to(like.scalar_type());
}

/// Changes of the weights in one step, each made when it is first looked up.
class WeightChanges {
 public:
  WeightChanges(const WeightOptions& options, const ModelOptions& model, const RandomStream& stream,
                const Parameters& parameters)
      : options_(options), model_(model), stream_(stream) {
    for (const Parameter& parameter : parameters.list()) {
      const auto index = static_cast<uint64_t>(first_.size());
      first_[parameter.name] = index * kMostElements;
    }
  }

  at::Tensor seen(const Parameter& parameter) {
    if (!is_noisy(options_, model_, parameter.name, parameter.tensor.sizes()))
      return parameter.tensor;
    at::Tensor& change = changes_[parameter.name];
    if (!change.defined()) change = change_of(parameter);
    return parameter.tensor + change;
  }

 private:
  at::Tensor change_of(const Parameter& parameter) const {
    const torch::autograd::AutoGradMode no_graph(false);
    const at::Tensor& weight = parameter.tensor;
    const at::Tensor steps_R1 = export_steps(weight, options_.export_bits);
    if (options_.noise == WeightNoise::kFakeQuantise)
      return through_codes(weight, steps_R1, options_.export_bits) - weight;
    return steps_R1 * uniform_noise(weight, stream_, first_.at(parameter.name));
  }

  WeightOptions options_;
  ModelOptions model_;
  RandomStream stream_;
  std::map<std::string, uint64_t> first_;  ///< position of each tensor's first draw
  std::map<std::string, at::Tensor> changes_;
};

}  // namespace

void validate(const WeightOptions& options, const ModelOptions& model) {
  require(2 <= options.export_bits && options.export_bits <= 8, ExitCode::kUsage,
          "train.export-bits is ", options.export_bits,
          "; the packer's codes have from 2 to 8 bits");
  require(0 <= options.code_entropy && options.code_entropy <= kLargestPenalty, ExitCode::kUsage,
          "train.code-entropy is ", options.code_entropy, "; it must be from 0 to ",
          kLargestPenalty);
  require(options.noise == WeightNoise::kNone || options.noisy == NoisyWeights::kAll ||
              loops(model.family) || model.basis_rank > 0,
          ExitCode::kUsage, "train.weight-noise ", enum_name(options.noise),
          " goes to shared weights, and the ", enum_name(model.family),
          " family shares none; set train.noisy-weights all");
  const auto shapes = parameter_shapes(model);
  require(
      options.noise == WeightNoise::kNone ||
          std::ranges::any_of(
              shapes,
              [&](const auto& one) { return is_noisy(options, model, one.name, one.shape); }),
      ExitCode::kUsage, "train.weight-noise ", enum_name(options.noise),
      " finds no matrix to go to: those of the model are small enough to be packed as they are");
  require(options.code_entropy == 0 ||
              std::ranges::any_of(shapes, [](const auto& one) { return has_codes(one.shape); }),
          ExitCode::kUsage,
          "train.code-entropy finds no matrix to count: those of the model are small enough to be "
          "packed as they are");
}

Parameters seen_in_step(const WeightOptions& options, const ModelOptions& model, uint64_t seed,
                        int64_t step, const Parameters& parameters) {
  if (options.noise == WeightNoise::kNone) return parameters;
  const RandomStream stream(seed, Purpose::kWeightNoise, static_cast<uint32_t>(step));
  const auto changes = std::make_shared<WeightChanges>(options, model, stream, parameters);
  return parameters.seen_through(
      [changes](const Parameter& parameter) { return changes->seen(parameter); });
}

at::Tensor mean_code_bits(const WeightOptions& options, const Parameters& parameters) {
  at::Tensor bits;
  int64_t weights = 0;
  for (const Parameter& parameter : parameters.list()) {
    if (!has_codes(parameter.tensor.sizes())) continue;
    const at::Tensor& weight = parameter.tensor;
    const at::Tensor part =
        code_entropy_bits(weight, export_steps(weight, options.export_bits), options.export_bits) *
        static_cast<double>(weight.numel());
    bits = bits.defined() ? bits + part : part;
    weights += weight.numel();
  }
  return bits / static_cast<double>(weights);
}

}  // namespace reprise
