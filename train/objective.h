// What is minimised: an objective runs the network the way its equation (losses.h) needs, and gives
// sums over the tokens of the batch, which the step divides once by the tokens of all ranks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/options.h"
#include "models/network.h"
#include "train/losses.h"

namespace reprise {

enum class ObjectiveKind { kFinalOnly, kDeepSupervision, kGatedRefinement };
template <>
struct EnumNames<ObjectiveKind> {
  static constexpr std::array names{std::pair{ObjectiveKind::kFinalOnly, "final-only"},
                                    std::pair{ObjectiveKind::kDeepSupervision, "deep-supervision"},
                                    std::pair{ObjectiveKind::kGatedRefinement, "gated-refinement"}};
};

template <>
struct EnumNames<PassWeighting> {
  static constexpr std::array names{std::pair{PassWeighting::kUniform, "uniform"},
                                    std::pair{PassWeighting::kGeometric, "geometric"},
                                    std::pair{PassWeighting::kAnnealed, "annealed"}};
};

struct ObjectiveOptions {
  ObjectiveKind kind = ObjectiveKind::kFinalOnly;
  PassWeights passes = {};
  double refine_share = 0.15, kappa = 0.5;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("objective", kind, "", "what is minimised; the static family takes final-only");
    field("pass-weights", passes.weighting, "",
          "deep-supervision: weight of the passes before the last");
    field("pass-decay", passes.decay, "per pass",
          "deep-supervision, geometric: weight of a pass over that of the next");
    field("anneal-share", passes.anneal_share, "share of steps",
          "deep-supervision, annealed: earlier passes fall to weight 0 over it");
    field("refine-share", refine_share, "share of tokens",
          "gated-refinement: the most uncertain of each sequence, which run the second pass");
    field("kappa", kappa, "",
          "gated-refinement: weight of the coarse loss of every token, which protects the first "
          "pass");
  }
};

/// Throws kUsage, also where the model's family does not take the objective.
void validate(const ObjectiveOptions& options, const ModelOptions& model);

/// Sequences of token ids and what follows each token.
struct Batch {
  at::Tensor inputs_BT, targets_BT;
};

/// A sum over some of the batch's tokens, for the record.
struct LossPart {
  at::Tensor nats;  ///< scalar, fp64, without a graph
  int64_t tokens = 0;
};

struct Loss {
  at::Tensor nats;  ///< scalar with a graph
  std::vector<LossPart>
      parts;  ///< as Objective::parts() names them; the first is the model's prediction
};

class Objective {
 public:
  virtual ~Objective() = default;
  /// `progress` is the share of training done.
  virtual Loss loss(const Network& network, const Batch& batch, double progress) const = 0;
  virtual std::vector<std::string> parts(double progress) const = 0;
  /// Nominal operations, forward and backward, per token of the batch.
  virtual double flops_per_token(double progress) const = 0;
};

std::unique_ptr<Objective> make_objective(const ObjectiveOptions& options,
                                          const ModelOptions& model);

}  // namespace reprise
