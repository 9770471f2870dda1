// What every evaluation proves about itself before it scores, on windows of the text it is about to
// score.
//
//   causality_prediction  tokens behind a position change: how far its logits move
//   causality_gate        the same: gate decisions that change
//   causality_refined     the same: how far its likelihoods after the second pass move
//   normalisation         every token of the vocabulary scored as the target: |sum of
//                         probabilities - 1|
//   sparse_equals_dense   logits of the gathered second pass against those of the dense ones
//
// Where there is no second pass, or no sample long enough, nothing is compared: the check counts as
// not run, never as passed. The control (control.h) is told the gate's count and so is not held to
// causality_gate; its likelihoods are held to causality_refined where its draw stayed.
//
// Two more hold for every document and are checked while it is scored (unit.h): the bytes of its
// tokens are those of its text, and each token is scored once.
#pragma once

#include <optional>
#include <vector>

#include "base/comm/communicator.h"
#include "eval/check_sample.h"
#include "eval/options.h"

namespace reprise {

struct CheckResult {
  Check check = Check::kPrediction;
  std::optional<double> measured;  ///< nothing where it was not run
  double tolerance = 0;
};

/// What rounding may do in causality_refined and sparse_equals_dense, in multiples of epsilon. Sums
/// taken in another order stay below a third of it in fp32 and half of it in bf16, at any depth;
/// one wrong key of the first layer exceeds it (tests/eval/rounding_test.cpp, docs/refinement.md).
double rounding_tolerance(Arithmetic arithmetic);
/// The relative spacing of numbers in the passes' arithmetic.
double epsilon_of(Arithmetic arithmetic);

/// Every check of EnumNames<Check>, in its order. Samples are dealt to ranks by number and the
/// worst of all ranks is reported, so that the result is that of one rank. Collective.
std::vector<CheckResult> run_checks(const CheckedOperations& operations,
                                    const std::vector<ScoringBatch>& samples, Arithmetic arithmetic,
                                    Communicator& comm);

/// Throws kInvalidTrace naming the first that failed, or that applies and could not be run.
void require_passed(const std::vector<CheckResult>& checks, Passes passes);

/// As check_record.h has it.
nlohmann::json to_json(const std::vector<CheckResult>& checks);

}  // namespace reprise
