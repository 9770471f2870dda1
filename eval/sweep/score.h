// The test split under many gates.
#pragma once

#include <memory>

#include "eval/choosing.h"
#include "eval/document_sums.h"
#include "eval/signal_reader.h"
#include "eval/sweep/controls.h"
#include "eval/unit.h"

namespace reprise {

struct SweptNetwork {
  const Network& network;
  std::shared_ptr<const StoredHead> head;
  RefinementPlan plan;
  std::vector<SweepControl> controls;
  uint64_t seed = 1;
};

/// One entry for each gate.
struct SweepScores {
  DocumentScores none, all;
  std::vector<DocumentScores> gated;
  std::vector<std::vector<DocumentScores>> controls;  ///< of each gate, by control
  std::vector<int64_t> refined, nan_scores;
  int64_t tokens = 0;
};

/// Collective.
SweepScores score_sweep(const SweptNetwork& swept, const std::vector<Chooser>& choosers,
                        const Corpus& corpus, const ScoringOptions& scoring,
                        const UnitOptions& windows, Communicator& comm);

}  // namespace reprise
