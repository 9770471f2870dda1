// Sets the gate's threshold: on the valid split, with the weights that will be scored (packed and
// read back).
#pragma once

#include "base/comm/communicator.h"
#include "eval/options.h"
#include "models/artifact/artifact.h"

namespace reprise {

/// The entropy that `share` of the valid split's predictions exceed, and the share that really
/// does. Windows, batches, precision and threads are those of `options`; its split and paths are
/// not read. Collective; the same on every rank and for any number of them. Throws kUsage for a
/// share outside (0, 1], kBadInput for a corpus of another tokenizer or an empty split.
GateRule calibrate_entropy_gate(const Artifact& artifact, const Corpus& corpus, double share,
                                Communicator& comm, const EvalOptions& options);

/// The rule for given entropies: the least threshold that at most round(share * n) of them exceed.
GateRule entropy_quantile(std::vector<float> entropies, double share);

}  // namespace reprise
