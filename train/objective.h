// What is minimised: an objective decides how many passes a step runs (depth.h), which weights they
// see (objectives/weight_view.h) and what is made of them: a primary loss (objectives/primary.h)
// over weighted tokens, and terms added to it (objectives/terms.h). All are sums over the tokens of
// the batch, which the step divides once by the tokens of all ranks.
//
//   const Network network(model, objective->seen(parameters, at), compute);
//   const Loss loss = objective->loss(network, parameters, batch, at);
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/options.h"
#include "models/cost/flops.h"
#include "train/depth.h"
#include "train/objectives/expert_load.h"
#include "train/objectives/halting.h"
#include "train/objectives/primary.h"
#include "train/objectives/terms.h"
#include "train/objectives/token_weights.h"
#include "train/objectives/weight_view.h"

namespace reprise {

struct ObjectiveOptions {
  ObjectiveKind kind = ObjectiveKind::kFinalOnly;
  PassWeights passes = {};
  GatedRefinementOptions refinement = {};
  HaltingLossOptions halting = {};
  DepthOptions depth = {};
  TokenWeighting tokens = TokenWeighting::kNone;
  TermOptions terms = {};
  WeightOptions weights = {};

  template <class Visitor>
  void visit(Visitor&& field) {
    field("objective", kind, "",
          "the primary loss, to which terms are added; deep-supervision takes more than one pass");
    field("pass-weights", passes.weighting, "",
          "deep-supervision: weight of the passes before the last");
    field("pass-decay", passes.decay, "per pass",
          "deep-supervision, geometric: weight of a pass over that of the next");
    field("anneal-share", passes.anneal_share, "share of steps",
          "deep-supervision, annealed: earlier passes fall to weight 0 over it");
    field("refine-share", refinement.refine_share, "share of tokens",
          "gated-refinement: the most uncertain of each sequence, which run the second pass");
    field("kappa", refinement.kappa, "",
          "gated-refinement: weight of the coarse loss of every token, which protects the first "
          "pass");
    field("key-rule", refinement.rule, "",
          "gated-refinement: what a refined token attends to (docs/refinement.md)");
    halting.visit(field);
    depth.visit(field);
    field("token-weights", tokens, "",
          "of the primary loss: hard: in proportion to the entropy of the last base pass's "
          "prediction; shuffled: the same weights, dealt out at random within a sequence");
    terms.visit(field);
    weights.visit(field);
  }
};

/// Throws kUsage, also where the model's family does not take the objective.
void validate(const ObjectiveOptions& options, const ModelOptions& model);

class Objective {
 public:
  /// As validated. `seed` is that of the run.
  Objective(const ObjectiveOptions& options, const ModelOptions& model, uint64_t seed);

  /// The parameters as the network of this step is to see them; for all of its micro-batches.
  Parameters seen(const Parameters& parameters, const StepOf& at) const;
  /// `parameters` are the trained ones.
  Loss loss(const Network& network, const Parameters& parameters, const Batch& batch,
            const StepOf& at) const;
  /// Names of Loss::parts: the primary loss's, the first of which is the model's prediction, then
  /// the terms', not weighted.
  std::vector<std::string> parts(const StepOf& at) const;
  /// Names of Loss::measures: the primary loss's, then the shares of the experts.
  std::vector<std::string> measures() const;
  StepDepth depth(const StepOf& at) const;
  /// What the step takes of its passes.
  PassUse use(const StepOf& at) const;
  /// Nominal operations of the step's depth, per token of the batch. Work on the weights themselves
  /// (changes, noise, entropy of codes) is not counted.
  StepFlops step_flops(const StepOf& at) const;
  /// The same, forward and backward.
  double flops_per_token(const StepOf& at) const { return step_flops(at).sum(); }

 private:
  at::Tensor token_weights(PassReader& passes, const StepOf& at) const;

  ObjectiveOptions options_;
  ModelOptions model_;
  PassFlops flops_;
  uint64_t seed_;
  std::unique_ptr<PrimaryLoss> primary_;
  std::vector<std::unique_ptr<Term>> terms_;
  std::vector<std::string> loads_;  ///< names of the experts' counters
};

/// Validates.
std::unique_ptr<Objective> make_objective(const ObjectiveOptions& options,
                                          const ModelOptions& model, uint64_t seed);

}  // namespace reprise
