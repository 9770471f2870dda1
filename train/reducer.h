// Sums gradients over the ranks of a data-parallel job while backward is still running.
//
//   GradientHooks hooks(parameters, reducer);  // once
//   hooks.follow(Backward::kLast); loss.backward();   // each gradient that is final is added
//   reducer.finalize();                               // now every .grad() is the sum over ranks
//
// Buckets leave in one fixed order, whatever order the gradients of a rank become final in, so that
// the ranks' collectives match; one that is not complete waits for finalize(). The result is the
// same bits each time for a given number of ranks.
#pragma once

#include <memory>
#include <vector>

#include "base/comm/communicator.h"
#include "train/gradients.h"

namespace reprise {

class Reducer {
 public:
  virtual ~Reducer() = default;
  /// The gradient of parameter `index` is final on this rank. At most once per step.
  virtual void add(size_t index) = 0;
  /// Blocks until all gradients are reduced, those never added with what they hold. Throws what a
  /// collective threw.
  virtual void finalize() = 0;
};

/// A lone rank's reducer does nothing. Else a thread with its own channel runs the blocking
/// collectives, because MPI makes no progress by itself. `comm` and `gradients` must outlive it.
/// Throws kFailure for a communicator on device memory: training runs on the host so far.
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
