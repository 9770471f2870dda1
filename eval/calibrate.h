// Sets the gate's threshold: on the valid split, with the weights that will be scored (packed and
// read back).
#pragma once

#include "base/comm/communicator.h"
#include "eval/options.h"
#include "models/artifact/artifact.h"

namespace reprise {

struct CalibrationOptions {
  double share = 0;        ///< of predictions that the gate refines
  ScoringOptions scoring;  ///< as the artifact will be scored
  int64_t threads = 1;     ///< per rank
};

/// The value of the gate's signal (entropy, or the score of the stored head) that `share` of the
/// valid split's predictions exceed, and the share that really does. Collective; the same on every
/// rank and for any number of them. Throws kUsage for a share outside (0, 1] or so small that it
/// picks no token, or windows that do not fit the model, kBadInput for a corpus of another
/// tokenizer, an empty split or a score that is not finite.
GateRule calibrate_gate(const Artifact& artifact, const Corpus& corpus,
                        const CalibrationOptions& options, Communicator& comm);

/// The rule for given scores: the least threshold that at most round(share * n) of them exceed.
GateRule gate_quantile(std::vector<float> scores, double share);

}  // namespace reprise
