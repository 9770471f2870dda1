// What libtorch, CUDA and NCCL are told before the first tensor of a run.
#pragma once

#include "base/comm/device.h"
#include "train/options.h"

namespace reprise {

/// What this rank computes with.
struct Compute {
  int64_t threads = 1;
  ComputeDevice device;
};

/// Resolves threads and device, and sets the process up for them: thread count, deterministic
/// algorithms, the current GPU. Collective; throws kUsage as choose_device() does.
Compute configure_compute(const TrainOptions& options, Communicator& comm);

}  // namespace reprise
