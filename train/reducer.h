// Sums gradients over the ranks of a data-parallel job while backward is still running.
//
//   GradientHooks hooks(parameters, reducer);  // once
//   hooks.follow(Backward::kLast); loss.backward();   // each gradient that is final is added
//   reducer.finalize();                               // now every .grad() is the sum over ranks
//   reducer.await();                                  // and the host may read it
//
// Buckets leave in one fixed order (bucket_order.h); one that is not complete waits for finalize().
// The result is the same bits each time for a given number of ranks.
#pragma once

#include <memory>
#include <vector>

#include "base/comm/communicator.h"
#include "train/gradients.h"
#include "train/transport.h"

namespace reprise {

class Reducer {
 public:
  virtual ~Reducer() = default;
  /// The gradient of parameter `index` is final on this rank. At most once per step.
  virtual void add(size_t index) = 0;
  /// Reduces all gradients, those never added with what they hold; work on their device that
  /// follows sees the sums. Blocks on the host; on a GPU it only enqueues.
  virtual void finalize() = 0;
  /// Blocks until the sums are there, while errors and lost ranks are still noticed: reading a
  /// tensor would wait for a GPU without end. Throws what a collective threw.
  virtual void await() = 0;
};

/// Over MPI or, where `device` is a GPU, over NCCL; none for a lone rank. Collective. `comm`, on
/// the host, must outlive it.
std::unique_ptr<Transport> make_transport(at::Device device, Communicator& comm);

/// Over `transport`; without one, on a lone rank, it does nothing. `gradients` must outlive it.
std::unique_ptr<Reducer> make_reducer(Gradients& gradients, std::shared_ptr<Transport> transport);
/// Over a transport of its own.
std::unique_ptr<Reducer> make_reducer(Gradients& gradients, Communicator& comm);

/// Whether the gradients of a backward pass are final, or more micro-batches will add to them.
enum class Backward { kPartial, kLast };

/// Calls Reducer::add when backward has accumulated into a parameter.
class GradientHooks {
 public:
  GradientHooks(const std::vector<Parameter>& parameters, Reducer& reducer);
  ~GradientHooks();
  GradientHooks(const GradientHooks&) = delete;
  GradientHooks& operator=(const GradientHooks&) = delete;

  /// Says what the next backward pass is.
  void follow(Backward backward);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise
