// What autograd records of a run of base passes, and so what backward goes through and what is kept
// for it.
#pragma once

#include <algorithm>

#include "models/network.h"
#include "models/pass_plan.h"

namespace reprise {

struct RecordedRun {
  int64_t passes = 1;  ///< that run
  int64_t first = 0;   ///< pass from which on there is a graph
  /// Leading layers of the prelude that something with a graph reads: all of them, unless passes
  /// without one stand between.
  int64_t prelude = 0;

  bool is_truncated() const { return first > 0; }
};

/// Throws kFailure where the network does: a model that halts goes back through every pass.
RecordedRun recorded_run(const ModelOptions& model, const PassPlan& plan, const PassRun& run);

/// The pass whose own weights pass `pass` of a run takes, which may be longer than the plan.
inline const CorePass& planned_pass(const PassPlan& plan, int64_t pass) {
  return plan.passes[static_cast<size_t>(std::min(pass, std::ssize(plan.passes) - 1))];
}

}  // namespace reprise
