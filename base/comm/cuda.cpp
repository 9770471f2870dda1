#include "base/comm/cuda.h"

#include <utility>

#include "base/error.h"

namespace reprise {

void check_cuda(cudaError_t result, const char* call) {
  require(result == cudaSuccess, ExitCode::kFailure, call, " failed: ", cudaGetErrorString(result));
}

int visible_gpus() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

CudaStream::CudaStream(int device) {
  check_cuda(cudaSetDevice(device), "cudaSetDevice");
  check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking),
             "cudaStreamCreateWithFlags");
}

CudaStream::CudaStream(CudaStream&& other) noexcept
    : stream_(std::exchange(other.stream_, nullptr)) {}

CudaStream& CudaStream::operator=(CudaStream&& other) noexcept {
  std::swap(stream_, other.stream_);
  return *this;
}

CudaStream::~CudaStream() {
  if (stream_) cudaStreamDestroy(stream_);
}

}  // namespace reprise
