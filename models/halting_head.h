// The head that decides when a position halts, and the stream its passes come to. All passes are
// computed for every position, since others read the keys of the last one: halting chooses what is
// read out, and what a refinement pass begins with.
#pragma once

#include <span>

#include "models/layer_stack.h"

namespace reprise {

/// `streams` are those of the passes from the floor to the last, Q + 1 of them.
class HaltingHead {
 public:
  HaltingHead(const Parameters& parameters, at::ScalarType compute);

  /// w . norm(h) + b after each of these passes but the last: [Q, M], fp32 (fp64 for fp64).
  at::Tensor scores(std::span<const Stream> streams) const;

 private:
  at::Tensor weight_D_, bias_1_;
};

/// What the passes come to by Halting::kMixture: their mean, weighted by ponder(); by kExit: each
/// position's at exit_row(). Skips go with their states.
Stream halt(const ModelOptions& options, std::span<const Stream> streams,
            const at::Tensor& scores_QM);

}  // namespace reprise
