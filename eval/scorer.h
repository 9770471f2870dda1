// Scores a batch under every policy at once: the base passes, the gate's sparse refinement, the
// control's, and the dense refinement of everything. A batch holds whole windows, so that the
// control (control.h) finds in it all it is told.
#pragma once

#include <optional>

#include "eval/accounting.h"
#include "eval/batch.h"
#include "eval/choosing.h"
#include "eval/depths.h"
#include "eval/signal_reader.h"
#include "eval/trace/columns.h"

namespace reprise {

/// One entry per scored prediction of the batch.
struct BatchScores {
  Predictions base;
  SignalValues signals;                  ///< what was recorded; empty without a second pass
  std::vector<uint8_t> passes;           ///< applications of the core behind `base`
  std::vector<uint8_t> refined, random;  ///< refinement passes that the gate and the control gave
                                         ///< it; empty without a second pass
  std::vector<double> nll_gated, nll_random;
  Predictions all;  ///< every position refined, in every pass
};

/// What places second passes. Without a gate none is made.
struct SecondPass {
  std::shared_ptr<const Gate> gate;
  uint64_t control_seed = 1;
  RefinementPlan plan = {};
  std::shared_ptr<const RefinementPolicy> policy = nullptr;  ///< of margins; null: above 0
  std::shared_ptr<const StoredHead> head = nullptr;          ///< null: the artifact has none
  bool records_signals = true;  ///< every signal; else those that the gate looks at
};

class Scorer {
 public:
  /// `network` must outlive this. Throws kUsage where the gate looks at what is not known when it
  /// decides.
  Scorer(const Network& network, SecondPass second);

  /// Batches of a unit in their order, with the same `depths`; kept for later windows.
  BatchScores score(const ScoringBatch& batch, UnitDepths& depths, Accounting& spent) const;

  Passes passes() const { return second_.gate ? Passes::kRefined : Passes::kBaseOnly; }
  const Network& network() const { return network_; }
  const RefinementPlan& plan() const { return second_.plan; }
  Recorded recorded() const;

 private:
  Observed observe(const BasePasses& base, const ScoringBatch& batch) const;
  Predictions refine_everything(const BasePasses& base, const ScoringBatch& batch) const;
  double flops_of_everything(PassWork work) const;

  const Network& network_;
  PassFlops flops_;
  SecondPass second_;
  std::optional<SignalReader> signals_;  ///< this and the next where there is a gate
  std::optional<Chooser> chooser_;
};

}  // namespace reprise
