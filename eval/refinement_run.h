// The sparse refinement of a batch: pass after pass over nested rows, each chosen from what is
// predicted so far.
#pragma once

#include <functional>
#include <vector>

#include "eval/accounting.h"
#include "eval/batch.h"
#include "eval/depths.h"
#include "eval/predictions.h"
#include "eval/signals.h"
#include "models/cost/flops.h"

namespace reprise {

/// What refinement a text is scored with.
struct RefinementPlan {
  RefineOptions how;
  int64_t most_passes = 1;  ///< of a position

  bool coda_once() const { return how.coda == CodaRun::kOnce; }
  /// Whether a prediction depends on which positions before it are refined.
  bool sees_refined() const { return reprise::sees_refined(how.rule) || coda_once(); }
};

/// Scored rows that may take part in the next pass, ascending, and what is predicted there.
struct Candidates {
  std::vector<size_t> rows;  ///< indices into ScoringBatch::rows_N
  Predictions predictions;
  SignalValues others;
};

/// Which rows take part in a pass.
struct RowChoice {
  /// Indices into ScoringBatch::rows_N of some of the candidates, ascending; passes from 1.
  std::function<std::vector<size_t>(int64_t pass, const Candidates& candidates)> scored;
  /// Context takes part in as many passes as it did where it was scored.
  const Depths& decided;
};

/// What gates may look at of readouts, beside entropy and margin.
using SignalsOfReadouts =
    std::function<SignalValues(const at::Tensor& features_ND, const Predictions& predictions)>;

class RefinementRun {
 public:
  /// All must outlive this; `base` has kept its keys, `coarse` are candidates all of which are
  /// scored rows.
  RefinementRun(const Network& network, const PassFlops& flops, const RefinementPlan& plan,
                const BasePasses& base, const ScoringBatch& batch, const Candidates& coarse,
                const SignalsOfReadouts& signals)
      : network_(network),
        flops_(flops),
        plan_(plan),
        base_(base),
        batch_(batch),
        coarse_(coarse),
        signals_(signals) {}

  /// Nats of every scored row. `spent` has the choosing in its seconds, not the counting of
  /// operations.
  std::vector<double> run(const RowChoice& choice, PassCost& spent) const;

 private:
  at::Tensor rows_of_pass(const std::vector<size_t>& picked, const RowChoice& choice,
                          int64_t pass) const;
  Candidates read(const RefinedRows& refined, std::vector<size_t> picked) const;
  void count(const at::Tensor& rows_M, const std::vector<size_t>& picked, PassCost& spent) const;

  const Network& network_;
  const PassFlops& flops_;
  const RefinementPlan& plan_;
  const BasePasses& base_;
  const ScoringBatch& batch_;
  const Candidates& coarse_;
  const SignalsOfReadouts& signals_;
};

/// Readouts of some rows: [B, T, D] -> [N, D].
at::Tensor readouts_at(const at::Tensor& features_BTD, const at::Tensor& rows_N);

}  // namespace reprise
