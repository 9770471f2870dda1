#include "eval/start_device.h"

#include <ATen/Context.h>

#include "base/comm/device.h"

namespace reprise {

ComputeDevice start_device(DeviceChoice choice, Communicator& comm) {
  const ComputeDevice device = choose_device(choice, "eval.device", find_gpus(), comm);
  if (!device.on_gpu()) return device;
  ask_gpu_libraries_for_the_same_bits();
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  start_gpu(device.gpu);
  return device;
}

}  // namespace reprise
