// A communicator whose collectives are the test's, to see when a reducer sends and what it makes of
// failures.
#pragma once

#include <ATen/ATen.h>

#include <chrono>
#include <functional>
#include <future>

#include "base/comm/communicator.h"

namespace reprise::test {

/// One of two ranks; its collectives are the test's.
class ScriptedCommunicator final : public Communicator {
 public:
  explicit ScriptedCommunicator(std::function<void()> on_all_reduce)
      : on_all_reduce_(std::move(on_all_reduce)) {}
  int rank() const override { return 0; }
  int size() const override { return 2; }
  std::string_view name() const override { return "scripted"; }
  void all_reduce(Buffer, Reduction) override { on_all_reduce_(); }
  void broadcast(Buffer, int) override {}
  void all_gather(Buffer, void*) override {}
  void barrier() override {}
  std::unique_ptr<Communicator> duplicate() override {
    return std::make_unique<ScriptedCommunicator>(on_all_reduce_);
  }

 private:
  std::function<void()> on_all_reduce_;
};

/// Proves by order, not by time, that sending overlaps backward: backward itself waits, before the
/// gradient of one parameter, for the first all-reduce to begin. A reducer that sends only after
/// backward lets it wait in vain.
class FirstAllReduce {
 public:
  /// For the communicator's all_reduce.
  void begin() {
    if (all_reduces_++ == 0) begun_.set_value();
  }
  void await_in_backward_of(const at::Tensor& parameter) {
    parameter.register_hook(
        [this, future = begun_.get_future().share()](const at::Tensor& gradient) {
          seen_ = future.wait_for(std::chrono::seconds(20));
          return gradient;
        });
  }
  bool begun_when_awaited() const { return seen_ == std::future_status::ready; }
  int all_reduces() const { return all_reduces_; }

 private:
  std::promise<void> begun_;
  std::future_status seen_ = std::future_status::deferred;
  int all_reduces_ = 0;
};

}  // namespace reprise::test
