// How buckets of gradients are summed over the ranks: by MPI from the host's memory, by NCCL from a
// GPU's. The reducer says which bucket and when; a transport knows nothing of parameters.
#pragma once

#include <memory>

#include "base/comm/communicator.h"

namespace reprise {

/// send()* join() await(), again and again; the same buffers in the same order on every rank.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Starts the sum over ranks, in place, of what the work enqueued so far leaves in `bucket`.
  /// Returns without waiting for it.
  virtual void send(Buffer bucket) = 0;
  /// Work on the buckets' device that follows sees the sums. On the host this blocks, on a GPU it
  /// does not. Throws what a collective threw, as far as it is known.
  virtual void join() = 0;
  /// Blocks until the sums are there, for the host to read. Throws what a collective threw.
  virtual void await() = 0;
};

/// Over MPI: a thread with its own channel runs the blocking collectives, because MPI makes no
/// progress by itself. `comm` must outlive it.
std::unique_ptr<Transport> make_host_transport(Communicator& comm);

/// Over NCCL on GPU `gpu` of this rank, on a stream of its own; `comm`, on the host, carries the
/// unique id. Collective. Throws kFailure in a build without CUDA.
std::unique_ptr<Transport> make_gpu_transport(int gpu, Communicator& comm);

}  // namespace reprise
