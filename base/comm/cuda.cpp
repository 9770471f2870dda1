#include "base/comm/cuda.h"

#include <utility>

#include "base/error.h"

namespace reprise {

void check_cuda(cudaError_t result, const char* call) {
  require(result == cudaSuccess, ExitCode::kFailure, call, " failed: ", cudaGetErrorString(result));
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

CudaEvent::CudaEvent(int device) {
  check_cuda(cudaSetDevice(device), "cudaSetDevice");
  check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreateWithFlags");
}

CudaEvent::CudaEvent(CudaEvent&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}

CudaEvent& CudaEvent::operator=(CudaEvent&& other) noexcept {
  std::swap(event_, other.event_);
  return *this;
}

CudaEvent::~CudaEvent() {
  if (event_) cudaEventDestroy(event_);
}

// A wait holds on to what was recorded when it was enqueued, so one event serves again and again.
void CudaEvent::order(cudaStream_t earlier, cudaStream_t later) {
  check_cuda(cudaEventRecord(event_, earlier), "cudaEventRecord");
  check_cuda(cudaStreamWaitEvent(later, event_, 0), "cudaStreamWaitEvent");
}

}  // namespace reprise
