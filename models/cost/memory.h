// The most bytes of tensors that a training step holds on the host: forward with a graph, then
// backward. Weights, their gradients and the optimiser's state are not among them; what each layer
// keeps for backward, the weights cast for the pass, and the gradients on their way are.
// docs/cost.md says what is kept, tensor by tensor.
#pragma once

#include <c10/core/ScalarType.h>

#include <set>

#include "models/network.h"

namespace reprise {

/// What a step runs at once.
struct MemoryCase {
  int64_t sequences = 1, length = 1;
  at::ScalarType compute = at::kBFloat16;
  PassRun run = {};
  /// Passes, from 0, with a graph, whose readout a loss reads too: earlier ones, or of a model that
  /// halts the last.
  std::set<int64_t> readouts = {};
  double refine_share = 0;  ///< positions of each sequence that a refinement pass runs; 0: none
};

struct StepMemory {
  double bound_bytes = 0;  ///< weights in the arithmetic of the pass, from first use to the end
  double kept_bytes = 0;   ///< held when forward ends, the bound weights included
  double peak_bytes = 0;   ///< the most at any time
};

StepMemory step_memory(const ModelOptions& model, const MemoryCase& c);

/// Keys and values a decoder keeps for every token of its text: of each layer each time it runs,
/// since later tokens attend to all of them. Where readouts are summed that is the coda behind
/// every pass; where positions halt, every pass still, since it runs for all of them, and one coda.
/// A refinement pass under the rule `coarse` adds none.
int64_t kv_bytes_per_token(const ModelOptions& model, at::ScalarType compute);

}  // namespace reprise
