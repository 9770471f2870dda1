// The evaluation of one artifact on one split, from checks to files.
//
//   checks -> this rank's segments, each entered in the ledger -> rank 0 joins them into
//   <out>/trace.h5
//          -> <out>/results.json
//
// Killed anywhere, the same call continues: with what is in the ledger, or with the trace where it
// is already whole.
#pragma once

#include "base/stop_request.h"
#include "eval/provenance.h"

namespace reprise {

enum class Outcome { kFinished, kStopped };

/// Collective; one run at a time in options.out. kStopped: a signal came, every rank closed the
/// segment it was in, and a later call continues. Throws kBadInput (another tokenizer, an empty
/// split, a folder that holds another configuration's trace), kUsage (options the artifact
/// contradicts), kInvalidTrace (a check failed).
Outcome evaluate(const ScoredArtifact& artifact, const Corpus& corpus, const EvalOptions& options,
                 Communicator& comm, const StopRequest& stop);

}  // namespace reprise
