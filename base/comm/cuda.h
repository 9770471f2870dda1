// CUDA's runtime as far as a communicator needs it: one check, the devices there are, a stream.
// Only in the REPRISE_CUDA build. Kernels and memory are libtorch's business.
#pragma once

#include <cuda_runtime_api.h>

namespace reprise {

/// Throws kFailure with the call and CUDA's words unless `result` is cudaSuccess.
void check_cuda(cudaError_t result, const char* call);

/// GPUs this process sees; 0 where there is no driver.
int visible_gpus();

/// A stream for as long as this lives. Move-only.
class CudaStream {
 public:
  explicit CudaStream(int device);
  CudaStream(CudaStream&& other) noexcept;
  CudaStream& operator=(CudaStream&& other) noexcept;
  ~CudaStream();
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace reprise
