// Whether what a second look gains is generic: claims C6 and C21, from an artifact to a record.
//
//   valid split -> features of every state -> temperatures, readouts (fit.h)
//   test split  -> every arm's nats of every document (score.h) -> differences (compare.h)
#pragma once

#include <optional>

#include "eval/alternatives/compare.h"
#include "eval/provenance.h"

namespace reprise {

/// The gate of the gated arms.
struct ArmGate {
  std::string signal;
  double threshold = 0, valid_share = 0;
  std::string calibrated_on;
};

struct Alternatives {
  ArmPlan plan;
  ArmScores scores;
  Comparison comparison;                         ///< by compare_alternatives(); else empty
  std::vector<FittedState> fitted;               ///< by State
  std::vector<double> flops;                     ///< of each arm, a token
  std::vector<int64_t> bytes;                    ///< of each arm, numbers that were fitted included
  std::optional<ArmGate> gate;                   ///< none: there are no gated arms
  std::optional<double> none_nats, second_nats;  ///< with a second artifact: mean, valid sample
  int64_t fit_tokens = 0;                        ///< of the valid split that were fitted on
  std::string fitted_on, scored_on;              ///< digests of the text
  KeyRule rule = KeyRule::kCoarse;
  WindowOptions windows;
};

/// Collective; the same bits on any number of ranks. `second` may be null. Throws kBadInput for
/// artifacts that do not go with the corpus or with one another, that have no second pass, whose
/// gate was set on the text to be scored, or whose predictions are not finite.
Alternatives weigh_alternatives(const ScoredArtifact& artifact, const ScoredArtifact* second,
                                const Corpus& corpus, const AlternativesOptions& options,
                                const ScoringOptions& scoring, Communicator& comm);

/// The bootstrap and what follows from it: for one rank to do. A record needs it.
void compare_alternatives(Alternatives& alternatives, const AlternativesOptions& options);

}  // namespace reprise
