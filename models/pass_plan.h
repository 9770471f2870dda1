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

/// One application of the core.
struct CorePass {
  LayerRange layers;  ///< a shared block is the same range again
  int64_t own = 0;    ///< the pass whose interface and changes it takes, from 0
};

struct PassPlan {
  LayerRange prelude;
  std::vector<CorePass> passes;  ///< one entry per base pass
  LayerRange coda;
  /// What a refinement pass runs for the gated positions, before the coda again. It takes what the
  /// last base pass has of its own: nothing is stored for it alone.
  CorePass refinement;
};

PassPlan make_pass_plan(const ModelOptions& options);

}  // namespace reprise
