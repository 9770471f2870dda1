// Splits for tests of curves: by hand, and drawn at random with a gain that the entropy foretells.
#pragma once

#include "eval/curves/reads.h"
#include "eval/curves/split.h"

namespace reprise {

/// One document of a split by hand: entries of equal length.
struct MadeDocument {
  std::vector<uint16_t> tokens;           ///< predicted
  std::vector<float> entropy;             ///< nats
  std::vector<float> loss, refined_loss;  ///< nats
};

/// Every token is a byte. Signals: entropy.
ScoredSplit make_split(const std::vector<MadeDocument>& documents);

/// `documents` documents of 50 to 250 tokens of 40 types. The mean gain is `slope` times the
/// entropy, which is uniform in 0..2; single gains scatter by 0.5 nats about it. `salt` makes other
/// text of the same kind.
ScoredSplit draw_split(uint32_t salt, uint32_t documents, double slope);

}  // namespace reprise
