// (10) Objectives that train a halting head (models/halting_head.h) with the model: what has not
// halted at a pass goes on to the next. Kept as baselines. They are known to collapse, to one pass
// or to all; model.halt-floor bounds the one, and the measures show both.
#pragma once

#include "train/objectives/primary.h"

namespace reprise {

struct HaltingLossOptions {
  double ponder_cost = 0.01, beta = 0.01, prior = 0.2;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("ponder-cost", ponder_cost, "nats per pass", "act: price of what a token ponders");
    field(
        "halt-beta", beta, "",
        "pondernet: weight of the divergence of the halting probabilities from a geometric prior; "
        "ouro: of their entropy");
    field("halt-prior", prior, "probability", "pondernet: the prior's, to halt at each pass");
  }
};

/// Throws kUsage, in one line.
void validate(const HaltingLossOptions& options);

/// How a model must halt for the objective to train it; kNone for one that trains no halting.
Halting halting_of(ObjectiveKind kind);

/// act: the loss of the mean state, and `ponder_cost` for each token's N + R.
/// pondernet: the expected loss, and `beta` times the divergence from the prior.
/// ouro: the expected loss, less `beta` times the entropy.
/// Token weights multiply the losses and not what is added to them.
std::unique_ptr<PrimaryLoss> make_halting_loss(ObjectiveKind kind,
                                               const HaltingLossOptions& options,
                                               const ModelOptions& model);

}  // namespace reprise
