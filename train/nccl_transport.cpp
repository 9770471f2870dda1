// Only in the REPRISE_CUDA build; no_gpu_transport.cpp stands in for it elsewhere.
#include <c10/cuda/CUDAStream.h>

#include "base/comm/nccl.h"
#include "train/transport.h"

namespace reprise {
namespace {

/// The collectives lie on a stream of their own and run beside backward. Events alone order the two
/// streams, so the host runs ahead of both.
class NcclTransport final : public Transport {
 public:
  NcclTransport(int gpu, Communicator& comm)
      : gpu_(gpu),
        stream_(gpu),
        event_(gpu),
        nccl_(comm, {.device = gpu, .stream = stream_.get(), .watchdog = {}}) {}

  void send(Buffer bucket) override {
    event_.order(compute_stream(), stream_.get());
    nccl_.all_reduce(bucket, Reduction::kSum);
  }
  void broadcast(Buffer buffer, int root) override {
    event_.order(compute_stream(), stream_.get());
    nccl_.broadcast(buffer, root);
  }
  void join() override { event_.order(stream_.get(), compute_stream()); }
  void await() override { nccl_.synchronize(); }

 private:
  /// Where libtorch enqueues this thread's work: backward has threads of its own.
  cudaStream_t compute_stream() const {
    return c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(gpu_)).stream();
  }

  int gpu_;
  CudaStream stream_;
  CudaEvent event_;
  NcclCommunicator nccl_;  ///< last: it ends before its stream
};

}  // namespace

std::unique_ptr<Transport> make_gpu_transport(int gpu, Communicator& comm) {
  return std::make_unique<NcclTransport>(gpu, comm);
}

}  // namespace reprise
