// NCCL on device memory behind Communicator: one GPU a rank. Only in the REPRISE_CUDA build.
//
//   NcclCommunicator nccl(mpi_comm, {.device = 0, .stream = stream});
//   nccl.all_reduce(gradients, Reduction::kSum);   // enqueued
//   nccl.synchronize();                            // until the result may be read
//
// Calls enqueue on the stream and return; work enqueued on that stream later sees the result. NCCL
// runs in its non-blocking mode, so that an error of another rank is noticed by polling instead of
// never, and a watchdog ends the job where even that does not happen: it aborts NCCL, then the job,
// and leaves the process if both hang.
#pragma once

#include <nccl.h>

#include <atomic>

#include "base/comm/communicator.h"
#include "base/comm/cuda.h"
#include "base/comm/watchdog.h"

namespace reprise {

struct NcclOptions {
  int device = 0;                 ///< CUDA device of this rank
  cudaStream_t stream = nullptr;  ///< of that device, not owned; nullptr is the default stream
  WatchdogOptions watchdog;
};

class NcclCommunicator : public Communicator {
 public:
  /// The ranks of `host`, which carries the unique id and is not kept. Collective.
  NcclCommunicator(Communicator& host, NcclOptions options);
  /// Collective after success. While an exception unwinds it aborts instead, waiting for nobody.
  ~NcclCommunicator() override;
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string_view name() const override { return "nccl"; }
  bool on_device() const override { return true; }

  void all_reduce(Buffer buffer, Reduction reduction) override;
  void broadcast(Buffer buffer, int root) override;
  void all_gather(Buffer mine, void* all) override;
  void barrier() override;  ///< of the streams and the processes

  /// On a stream of its own, which dies with it; take it with stream() to order other work behind
  /// it.
  std::unique_ptr<Communicator> duplicate() override;

  cudaStream_t stream() const { return options_.stream; }
  /// Returns when everything enqueued is done. Polls, so that an error of NCCL ends the wait.
  void synchronize();

 private:
  NcclCommunicator(NcclOptions options, int rank, int size);
  void check(ncclResult_t result, const char* call);
  ncclResult_t wait_while_in_progress(const char* call);

  NcclOptions options_;
  std::unique_ptr<CudaStream> own_stream_;  ///< of a duplicate
  int rank_, size_;
  std::atomic<ncclComm_t> comm_{nullptr};  ///< atomic, since the watchdog reads it
  Watchdog watchdog_;                      ///< last: it uses what stands above
};

}  // namespace reprise
