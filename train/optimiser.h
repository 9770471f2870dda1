// Which parameter is updated by what, at which rate: matrices by Muon (or AdamW), embeddings and
// scalars by AdamW.
#pragma once

#include <vector>

#include "base/options.h"
#include "train/adamw.h"
#include "train/muon.h"
#include "train/schedule.h"

namespace reprise {

enum class MatrixOptimiser { kMuon, kAdamW };
template <>
struct EnumNames<MatrixOptimiser> {
  static constexpr std::array names{std::pair{MatrixOptimiser::kMuon, "muon"},
                                    std::pair{MatrixOptimiser::kAdamW, "adamw"}};
};

struct OptimiserOptions {
  MatrixOptimiser matrices = MatrixOptimiser::kMuon;
  double matrix_rate = 0.04, embedding_rate = 0.05, scalar_rate = 0.04;
  double weight_decay = 0.0;
  int64_t newton_schulz = 5;
  double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
  double clip_norm = 0, ema = 0;
  bool shard = false;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("matrices", matrices, "",
          "optimiser of the weight matrices; embeddings and scalars take AdamW");
    field("matrix-rate", matrix_rate, "per step",
          "learning rate of the matrices; AdamW wants about a tenth of Muon's");
    field("embedding-rate", embedding_rate, "per step", "learning rate of the embedding");
    field("scalar-rate", scalar_rate, "per step", "learning rate of gains, scales and mixes");
    field("weight-decay", weight_decay, "per rate", "decoupled decay of the matrices");
    field("newton-schulz", newton_schulz, "iterations", "with which Muon orthogonalises an update");
    field("beta1", beta1, "", "AdamW's decay of the mean");
    field("beta2", beta2, "", "AdamW's decay of the square");
    field("epsilon", epsilon, "", "AdamW's guard against division by zero");
    field(
        "clip-norm", clip_norm, "",
        "largest Euclidean norm of the gradient of all parameters; a longer one is scaled down to "
        "it; 0: off");
    field("ema", ema, "per step",
          "decay of a running average of the weights, which the finished model holds; 0: it holds "
          "the last weights");
    field("shard-optimiser", shard, "",
          "each rank keeps the state of its share of the parameters alone, which saves memory and "
          "changes no bit");
  }
};

/// Throws kUsage.
void validate(const OptimiserOptions& options);

/// What the schedule (schedule.h) says of a step.
struct OptimiserStep {
  int64_t step = 0;  ///< steps that lie behind
  double rate_factor = 1, momentum = 0.95;
  bool mixing_learns = true;  ///< else the weights of pass mixing stand still
};

class Optimiser {
 public:
  /// `compute` is the arithmetic of Muon's iterations.
  Optimiser(const OptimiserOptions& options, const std::vector<Parameter>& parameters,
            at::ScalarType compute);

  /// Updates every weight in place; every parameter must have a gradient.
  void step(const OptimiserStep& step);

  /// Everything a later step depends on beside the weights.
  std::vector<NamedTensor> state() const;

 private:
  OptimiserOptions options_;
  Muon muon_;
  AdamW matrices_, embeddings_, scalars_, mixing_;
};

}  // namespace reprise
