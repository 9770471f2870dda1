// The gate an evaluation runs: the one that the artifact carries, or one that a record of budget
// curves has thresholds for (`reprise curves`), so that a gate which was drawn can be run.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "eval/gate.h"
#include "eval/gates/policy.h"
#include "eval/options.h"
#include "eval/provenance.h"

namespace reprise {

struct GateChoice {
  std::shared_ptr<const Gate> gate;                ///< null: no second pass
  std::shared_ptr<const RefinementPolicy> policy;  ///< of its margins; null: above 0
  std::string signal;                              ///< the gate in words
  std::vector<float> thresholds;                   ///< one for each of its terms
  double fraction = 0;                             ///< of the valid split
  std::string calibrated_on;                       ///< digest of that text
  nlohmann::json policy_options;                   ///< as the record has them; null without one
  std::vector<std::string> may_see;  ///< what a decision depends on; none of it the target
  /// Of a record of curves: its SHA-256, and the digest of the test split it shows.
  std::string record_sha256, drawn_on;
};

/// As they are written: numbers, or "all" and "none" for those that are infinite.
nlohmann::json thresholds_json(const std::vector<float>& thresholds);

/// `options` with windows and device resolved. Throws kUsage where they ask for what there is not,
/// kBadInput where the record is of another artifact, text or windows, or lacks the gate or budget.
GateChoice choose_gate(const ScoredArtifact& artifact, const Corpus& corpus,
                       const EvalOptions& options);

}  // namespace reprise
