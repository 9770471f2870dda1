// How a gate and its control choose the rows of refinement passes.
#pragma once

#include <memory>

#include "eval/refinement_run.h"

namespace reprise {

/// Throws kUsage where the gate looks at what is not known when it decides, and where a policy that
/// remembers a document (null: none does) would decide about several passes: its caps are on all
/// passes of a document together, which are not made in the text's order.
void require_decidable(const Gate& gate, const RefinementPolicy* policy,
                       const RefinementPlan& plan);

class Chooser {
 public:
  /// Without a policy a prediction is refined where its margin is above 0.
  Chooser(std::shared_ptr<const Gate> gate, std::shared_ptr<const RefinementPolicy> policy,
          uint64_t control_seed);

  /// A document's predictions in their order, with what its policy remembers; what is chosen is
  /// kept in `depths.gate`. `nan` grows by the signals that are NaN. All outlive the choice.
  RowChoice by_gate(const ScoringBatch& batch, UnitDepths& depths, int64_t& nan) const;
  /// As many of every window's positions as `depths.gate` has there, of every depth; kept in
  /// `depths.control`.
  RowChoice by_control(const ScoringBatch& batch, UnitDepths& depths) const;

  const Gate& gate() const { return *gate_; }

 private:
  std::vector<uint8_t> decide(const ScoringBatch& batch, const Candidates& candidates,
                              const std::vector<float>& margins, int64_t pass,
                              Depths& depths) const;
  std::vector<size_t> choose(const ScoringBatch& batch, const Candidates& candidates, int64_t pass,
                             Depths& depths, int64_t& nan) const;
  std::vector<size_t> draw(const ScoringBatch& batch, int64_t pass, UnitDepths& depths) const;

  std::shared_ptr<const Gate> gate_;
  std::shared_ptr<const RefinementPolicy> policy_;
  uint64_t control_seed_;
};

/// Passes that each scored row of the batch was given.
std::vector<uint8_t> depths_of(const ScoringBatch& batch, const Depths& depths);

/// All scored rows, to begin with.
Candidates every_row(const ScoringBatch& batch, const Predictions& predictions,
                     const SignalValues& signals);

}  // namespace reprise
