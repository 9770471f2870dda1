// Scores a batch under every policy at once: the base passes, the gate's sparse second pass, the
// control's, and the dense second pass over everything. A batch holds whole windows, so that the
// control (control.h) finds in it all it is told.
#pragma once

#include "eval/accounting.h"
#include "eval/batch.h"
#include "eval/predictions.h"
#include "eval/signals.h"
#include "eval/trace/columns.h"
#include "models/cost/flops.h"

namespace reprise {

/// One entry per scored prediction of the batch.
struct BatchScores {
  Predictions base;
  SignalValues signals;         ///< empty without a second pass
  std::vector<uint8_t> passes;  ///< applications of the core behind `base`
  std::vector<uint8_t> refined,
      random;  ///< what the gate and the control picked; empty without a second pass
  std::vector<double> nll_gated, nll_random;
  Predictions all;  ///< every position refined
};

/// What places second passes. Without a gate none is made.
struct SecondPass {
  std::shared_ptr<const Gate> gate;
  uint64_t control_seed = 1;
  KeyRule rule = KeyRule::kCoarse;
};

class Scorer {
 public:
  /// `network` must outlive this.
  Scorer(const Network& network, SecondPass second)
      : network_(network), flops_(network.options()), second_(std::move(second)) {}

  BatchScores score(const ScoringBatch& batch, Accounting& spent) const;
  /// The base passes alone, without keeping keys: for calibration.
  Predictions score_base(const ScoringBatch& batch) const;

  Passes passes() const { return second_.gate ? Passes::kRefined : Passes::kBaseOnly; }
  const Network& network() const { return network_; }
  const Gate& gate() const { return *second_.gate; }  ///< where passes() says there is one
  KeyRule rule() const { return second_.rule; }
  /// What the gate and the control pick of a batch. The context's where the rule sees refined
  /// positions, else nothing of it.
  struct Picks {
    std::vector<uint8_t> scored, context;
  };
  Picks pick_by_gate(const BasePasses& base, const ScoringBatch& batch, const Predictions& coarse,
                     const SignalValues& signals) const;

 private:
  double context_flops(const ScoringBatch& batch, const Picks& by_gate) const;
  Picks pick_by_control(const Picks& gate, const ScoringBatch& batch) const;
  std::vector<double> score_sparse(const BasePasses& base, const ScoringBatch& batch,
                                   const std::vector<double>& nll_base, const Picks& picked,
                                   PassCost& spent) const;

  const Network& network_;
  PassFlops flops_;
  SecondPass second_;
};

/// The rows of the batch that are picked, ascending.
at::Tensor picked_rows(const ScoringBatch& batch, const Scorer::Picks& picked);

}  // namespace reprise
