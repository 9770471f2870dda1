#include "train/compute.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <thread>

namespace reprise {
namespace {

int64_t threads_of(const TrainOptions& options, const Communicator& comm) {
  const auto cores = static_cast<int64_t>(std::thread::hardware_concurrency());
  return options.threads > 0 ? options.threads : std::max<int64_t>(1, cores / comm.size());
}

}  // namespace

Compute configure_compute(const TrainOptions& options, Communicator& comm) {
  const Compute compute{threads_of(options, comm),
                        choose_device(options.device, "train.device", find_gpus(), comm)};
  at::set_num_threads(static_cast<int>(compute.threads));
  at::Context& libtorch = at::globalContext();
  libtorch.setDeterministicAlgorithms(options.deterministic, /*warn_only=*/false);
  // Costs time; nothing reads what it fills.
  libtorch.setDeterministicFillUninitializedMemory(false);
  if (compute.device.on_gpu()) {
    if (options.deterministic) ask_gpu_libraries_for_the_same_bits();
    start_gpu(compute.device.gpu);
  }
  return compute;
}

}  // namespace reprise
