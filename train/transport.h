// How gradients are summed over the ranks, and weights sent to them: by MPI from the host's memory,
// by NCCL from a GPU's. Others say which buffer and when; a transport knows nothing of parameters.
#pragma once

#include <memory>

#include "base/comm/communicator.h"

namespace reprise {

/// (send() | broadcast())* join() await(), again and again; the same buffers in the same order on
/// every rank.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Starts the sum over ranks, in place, of what the work enqueued so far leaves in `bucket`.
  /// Returns without waiting for it.
  virtual void send(Buffer bucket) = 0;
  /// Starts to overwrite `buffer` on all ranks by what the work enqueued so far leaves in that of
  /// rank `root`. Returns without waiting for it.
  virtual void broadcast(Buffer buffer, int root) = 0;
  /// Work on the buffers' device that follows sees the results. On the host this blocks, on a GPU
  /// it does not. Throws what a collective threw, as far as it is known.
  virtual void join() = 0;
  /// Blocks until the results are there, for the host to read. Throws what a collective threw.
  virtual void await() = 0;
};

/// Over MPI: a thread with its own channel runs the blocking collectives, because MPI makes no
/// progress by itself. `comm` must outlive it.
std::unique_ptr<Transport> make_host_transport(Communicator& comm);

/// Over NCCL on GPU `gpu` of this rank, on a stream of its own; `comm`, on the host, carries the
/// unique id. Collective. Throws kFailure in a build without CUDA.
std::unique_ptr<Transport> make_gpu_transport(int gpu, Communicator& comm);

}  // namespace reprise
