#include "base/comm/cuda.h"
#include "base/comm/gpu.h"

namespace reprise {

Gpus find_gpus() {
  Gpus gpus{.supported = true, .names = {}};
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) return gpus;  // no driver, or no device
  for (int index = 0; index < count; ++index) {
    cudaDeviceProp properties{};
    check_cuda(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
    gpus.names.emplace_back(properties.name);
  }
  return gpus;
}

void start_gpu(int index) { check_cuda(cudaSetDevice(index), "cudaSetDevice"); }

void wait_for_gpu() { check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize"); }

}  // namespace reprise
