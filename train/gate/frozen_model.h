// The trained model as a gate head sees it: weights that stay, and what it says of batches.
#pragma once

#include "models/network.h"
#include "train/gate/observe.h"
#include "train/model_file.h"
#include "train/trainer.h"

namespace reprise {

/// The model of the file on `device`. Throws kBadInput where one is
/// missing, unknown or of another shape.
Network load_frozen(const ModelFile& file, at::ScalarType compute, at::Device device);

/// How the frozen model is run.
struct FrozenRun {
  ObserveOptions observe;
  bool keeps_state = true;
  at::Device device = at::kCPU;  ///< where the network is
};

/// Runs the network on the batches asked for. Shares its weights; `batches` is copied.
SampleSource live_samples(const Network& network, const FrozenRun& run, const BatchSource& batches);

}  // namespace reprise
