// What every evaluation proves about itself before it scores, on windows of the text it is about to
// score.
//
//   causality_prediction  tokens behind a position change: how far its logits move
//   causality_gate        the same: gate decisions that change
//   causality_refined     the same: how far its likelihoods after the second pass move
//   normalisation         every token of the vocabulary scored as the target: |sum of probabilities
//   - 1| sparse_equals_dense   logits of the gathered second pass against the masked dense one
//
// Two more hold for every document and are checked while it is scored (unit.h): the bytes of its
// tokens are those of its text, and each token is scored once.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/comm/communicator.h"
#include "eval/options.h"
#include "eval/scorer.h"

namespace reprise {

struct CheckResult {
  std::string name;
  double measured = 0, tolerance = 0;
  bool passed() const { return measured <= tolerance; }
};

/// Tolerances are those of the arithmetic. Samples are dealt to ranks by number and the worst of
/// all ranks is reported, so that the result is that of one rank. Collective.
std::vector<CheckResult> run_checks(const Scorer& scorer, const std::vector<ScoringBatch>& samples,
                                    Arithmetic arithmetic, Communicator& comm);

/// Throws kInvalidTrace naming the first that failed.
void require_passed(const std::vector<CheckResult>& checks);

/// {"name": {"passed": true, "measured": 0, "tolerance": 1e-6}}
nlohmann::json to_json(const std::vector<CheckResult>& checks);

}  // namespace reprise
