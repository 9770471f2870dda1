// Which layers run, in which order, for which positions, whose keys they read, and what each layer
// is made of. The families differ here and nowhere else: parameters (parameter_shapes.h), layers
// (layer_stack.h), network (network.h) and cost walk a plan and know no family.
#pragma once

#include <cstdint>
#include <vector>

#include "models/options.h"

namespace reprise {

enum class MlpKind {
  kDense,    ///< two matrices of the layer's own
  kExperts,  ///< a mixture (experts.h)
  kBasis,    ///< sparse combinations of the vectors that all layers share (basis.h)
};

/// What one layer is made of.
struct LayerPlan {
  MlpKind mlp = MlpKind::kDense;
  bool attention_experts = false;  ///< for its value and output projections
  int64_t change_rank = 0;         ///< of each pass's own change to its matrices; 0: none
  bool own_scalars = false;        ///< gains, scales and mixes are each pass's own

  bool differs_by_pass() const { return change_rank > 0 || own_scalars; }
  bool operator==(const LayerPlan&) const = default;
};

/// Layers [first, first + count) of the model's list.
struct LayerRange {
  int64_t first = 0, count = 0;
};

/// One application of the core.
struct CorePass {
  LayerRange layers;  ///< a shared block is the same range again
  int64_t own = 0;    ///< the pass whose interface, changes and scalars it takes, from 0
};

struct PassPlan {
  std::vector<LayerPlan> layers;  ///< of the whole model
  LayerRange prelude;
  std::vector<CorePass> passes;  ///< one entry per base pass
  LayerRange coda;
  /// What a refinement pass runs for the gated positions, before the coda again. It takes what the
  /// last base pass has of its own: nothing is stored for it alone.
  CorePass refinement;
};

/// Throws kUsage, as validate() does.
PassPlan make_pass_plan(const ModelOptions& options);

/// Throws kUsage where the plan has a pass over layers that are not there, or none at all.
void validate(const PassPlan& plan);

/// The plan's layers, of options that need not be valid yet.
std::vector<LayerPlan> plan_layers(const ModelOptions& options);

}  // namespace reprise
