// The network an artifact holds.
#pragma once

#include "eval/options.h"
#include "models/artifact/artifact.h"
#include "models/network.h"

namespace reprise {

/// The shape in the artifact's header; throws kBadInput where it is not one.
ModelOptions model_options(const Artifact& artifact);

/// On `device`, without the gate's head (stored_head.h). Throws kBadInput where a tensor is
/// missing, unknown, given twice or of another shape.
Network make_network(const Artifact& artifact, Arithmetic arithmetic, at::Device device = at::kCPU);

/// Throws kBadInput where the corpus was written with another tokenizer than the artifact was
/// trained on.
void require_tokenizer(const Artifact& artifact, const Corpus& corpus);

}  // namespace reprise
