// Many gates run at many budgets in one reading of the text: for rules under which a refined
// prediction depends on which others are refined, so that none can be drawn from one trace
// (docs/curves.md). The base passes and their signals are computed once; every gate has its own
// sparse pass, and beside it controls that refine as many of every window.
#pragma once

#include <optional>

#include "eval/curves/estimate.h"
#include "eval/gate_choice.h"
#include "eval/sweep/controls.h"
#include "eval/sweep/options.h"

namespace reprise {

/// A gate at a budget.
struct SweptGate {
  std::string gate;
  double budget = 0;
  GateChoice choice;
  int64_t refined = 0, nan_scores = 0;
  Estimate score;
  EstimateWithin minus_none;
  std::vector<EstimateWithin> controls_minus_none, minus_controls;  ///< by control
};

struct Sweep {
  KeyRule rule = KeyRule::kCoarse;
  int64_t documents = 0, tokens = 0;  ///< of the test split
  Estimate none;
  EstimateWithin all_minus_none;
  std::vector<SweepControl> controls;
  std::vector<SweptGate> gates;
};

/// Collective; the same on every rank and for any number of them. Throws kBadInput where the record
/// is of another artifact, text or windows, kUsage where it lacks a gate or budget that is named.
Sweep sweep_gates(const ScoredArtifact& artifact, const Corpus& corpus, const SweepOptions& options,
                  const ScoringOptions& scoring, Communicator& comm);

nlohmann::json sweep_record(const Sweep& sweep);
std::string sweep_table(const Sweep& sweep);

}  // namespace reprise
