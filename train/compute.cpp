#include "train/compute.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <thread>

namespace reprise {
namespace {

/// More only wait for one another, and a few thousand are more than the system gives.
int64_t most_threads() {
  return std::max<int64_t>(1024, 4 * static_cast<int64_t>(std::thread::hardware_concurrency()));
}

int64_t threads_of(const ComputeRequest& request, const Communicator& comm) {
  const auto cores = static_cast<int64_t>(std::thread::hardware_concurrency());
  return request.threads > 0 ? request.threads : std::max<int64_t>(1, cores / comm.size());
}

}  // namespace

void validate_threads(int64_t threads, std::string_view option) {
  require(0 <= threads && threads <= most_threads(), ExitCode::kUsage, option, " is ", threads,
          "; it must be from 0 to ", most_threads());
}

Compute configure_compute(const ComputeRequest& request, Communicator& comm) {
  const Compute compute{threads_of(request, comm),
                        choose_device(request.device, request.device_option, find_gpus(), comm)};
  at::set_num_threads(static_cast<int>(compute.threads));
  at::Context& libtorch = at::globalContext();
  libtorch.setDeterministicAlgorithms(request.deterministic, /*warn_only=*/false);
  // Costs time; nothing reads what it fills.
  libtorch.setDeterministicFillUninitializedMemory(false);
  if (compute.device.on_gpu()) {
    if (request.deterministic) ask_gpu_libraries_for_the_same_bits();
    start_gpu(compute.device.gpu);
  }
  return compute;
}

}  // namespace reprise
