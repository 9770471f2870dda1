// CUDA's runtime as far as a communicator needs it: one check, a stream, an order between streams.
// Only in the REPRISE_CUDA build. Kernels and memory are libtorch's business.
#pragma once

#include <cuda_runtime_api.h>

namespace reprise {

/// Throws kFailure with the call and CUDA's words unless `result` is cudaSuccess.
void check_cuda(cudaError_t result, const char* call);

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

/// Makes one stream wait for another without the host waiting for either. Move-only.
class CudaEvent {
 public:
  explicit CudaEvent(int device);
  CudaEvent(CudaEvent&& other) noexcept;
  CudaEvent& operator=(CudaEvent&& other) noexcept;
  ~CudaEvent();

  /// What is enqueued on `later` from now on starts when all that lies on `earlier` by now is done.
  void order(cudaStream_t earlier, cudaStream_t later);

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace reprise
