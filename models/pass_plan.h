// Which layers run, in which order, for which positions, and whose keys they read. The families
// differ here and nowhere else: the network (network.h) walks a plan and knows no family.
#pragma once

#include <cstdint>
#include <vector>

#include "models/options.h"

namespace reprise {

/// Layers [first, first + count) of the model's list.
struct LayerRange {
  int64_t first = 0, count = 0;
};

struct PassPlan {
  LayerRange prelude;
  std::vector<LayerRange>
      passes;  ///< one entry per base pass; a shared block is the same range again
  LayerRange coda;
  /// What a refinement pass runs for the gated positions: the core once more, then the coda again.
  LayerRange refinement;
};

PassPlan make_pass_plan(const ModelOptions& options);

}  // namespace reprise
