// The trained model as a gate head sees it: weights that stay, and what it says of batches.
#pragma once

#include "models/network.h"
#include "train/gate/observe.h"
#include "train/model_file.h"
#include "train/trainer.h"

namespace reprise {

/// The file's weights, in fp32 on `device`. Throws kBadInput where an array is missing, unknown or
/// of another shape.
Parameters load_parameters(const ModelFile& file, at::Device device);

/// How the frozen model is run.
struct FrozenRun {
  ObserveOptions observe;
  bool keeps_state = true;
  at::ScalarType compute = at::kFloat;
};

/// Runs the model of the file on the batches asked for. Holds its weights on `device`; `batches`
/// is copied.
SampleSource live_samples(const ModelFile& file, const FrozenRun& run, const BatchSource& batches,
                          at::Device device);

}  // namespace reprise
