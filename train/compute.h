// What libtorch, CUDA and NCCL are told before the first tensor of a run.
#pragma once

#include <string_view>

#include "base/comm/device.h"

namespace reprise {

/// What this rank computes with.
struct Compute {
  int64_t threads = 1;
  ComputeDevice device;
};

/// What the options of a command ask for.
struct ComputeRequest {
  DeviceChoice device = DeviceChoice::kAuto;
  std::string_view device_option;  ///< its name, to blame
  int64_t threads = 0;             ///< per rank; 0: the cores of this machine shared out
  bool deterministic = true;       ///< only algorithms that give the same bits each time
};

/// Throws kUsage, naming `option`, for a number that no machine serves.
void validate_threads(int64_t threads, std::string_view option);

/// Resolves threads and device, and sets the process up for them: thread count, deterministic
/// algorithms, the current GPU. Collective; throws kUsage as choose_device() does.
Compute configure_compute(const ComputeRequest& request, Communicator& comm);

}  // namespace reprise
