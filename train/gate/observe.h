// Runs the frozen model on a batch: the base passes the gate stands behind, the refinement pass it
// decides on, and the later passes a label may ask for.
#pragma once

#include "base/options.h"
#include "models/network.h"
#include "train/gate/samples.h"
#include "train/pass_reader.h"

namespace reprise {

/// Where the gate stands, and what follows. Let p be the base passes before it. L1 is the loss
/// after base pass p; L2 that after the refinement pass under the model's rule, run from there at
/// every position; L_{2+k}, k = 1..later, that after base pass p + k, run for every token. Passes
/// behind the model's last repeat that one, and so the core of a family that
/// runs its layers once runs again.
struct ObserveOptions {
  int64_t after = 0, later = 0;
  KeyRule rule = KeyRule::kCoarse;  ///< the model's, by its file; no option

  template <class Visitor>
  void visit(Visitor&& field) {
    field("after", after, "passes", "base passes the gate stands behind; 0: model.passes");
    field("later", later, "passes",
          "base passes behind the gate's of which any-later-gain takes the best, beside the "
          "refinement pass; other targets do without");
  }
};

/// Throws kUsage.
void validate(const ObserveOptions& options, const ModelOptions& model);

/// `keeps_state`: whether the head reads the state. Without a graph. `network` must have been made
/// without one too, so that its casts are none.
GateSamples observe(const Network& network, const Batch& batch, const ObserveOptions& options,
                    bool keeps_state);

/// [N, V] logits -> [N, kGateSignals].
at::Tensor gate_signals(const at::Tensor& logits_NV);

}  // namespace reprise
