// (14) What the network sees of the weights in a training step, and (15) the penalty on how many
// bits they will take: both at the width of the packer's codes.
#pragma once

#include "base/options.h"
#include "models/parameters.h"

namespace reprise {

enum class WeightNoise { kNone, kUniform, kFakeQuantise };
template <>
struct EnumNames<WeightNoise> {
  static constexpr std::array names{std::pair{WeightNoise::kNone, "none"},
                                    std::pair{WeightNoise::kUniform, "uniform"},
                                    std::pair{WeightNoise::kFakeQuantise, "fake-quantise"}};
};

enum class NoisyWeights { kShared, kAll };
template <>
struct EnumNames<NoisyWeights> {
  static constexpr std::array names{std::pair{NoisyWeights::kShared, "shared"},
                                    std::pair{NoisyWeights::kAll, "all"}};
};

struct WeightOptions {
  WeightNoise noise = WeightNoise::kNone;
  NoisyWeights noisy = NoisyWeights::kShared;
  int64_t export_bits = 6;
  double code_entropy = 0;

  template <class Visitor>
  void visit(Visitor&& field) {
    field(
        "weight-noise", noise, "",
        "on the weights a step sees: uniform, one step of the packed codes wide, or what the codes "
        "would give back, with the gradient of the weights themselves");
    field("noisy-weights", noisy, "",
          "weight-noise: the matrices of the core (partial: the basis), or all that are packed as "
          "codes");
    field("export-bits", export_bits, "bits",
          "weight-noise and code-entropy: width of the packed codes, 2 to 8");
    field("code-entropy", code_entropy, "nats per bit",
          "weight of the codes' mean entropy in bits a weight; 0: off");
  }
};

/// Throws kUsage, in one line.
void validate(const WeightOptions& options, const ModelOptions& model);

/// The parameters as the network of step `step` sees them; `parameters` itself without noise.
/// Uniform noise: Defossez et al., "Differentiable model compression via pseudo quantization
/// noise", arXiv:2104.09987; drawn by (seed, step, weight), the same on every rank. Fake
/// quantisation: Jacob et al., arXiv:1712.05877, with the straight-through gradient of Bengio et
/// al., arXiv:1308.3432. The change of each weight is made once, at its first look-up.
Parameters seen_in_step(const WeightOptions& options, const ModelOptions& model, uint64_t seed,
                        int64_t step, const Parameters& parameters);

/// Mean over the weights that are packed as codes, in bits a weight; scalar, with a graph.
at::Tensor mean_code_bits(const WeightOptions& options, const Parameters& parameters);

}  // namespace reprise
