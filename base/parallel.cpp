#include "base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace reprise {
namespace {

/// Cores this process may use: under mpirun often fewer than the machine has.
size_t usable_cores() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return static_cast<size_t>(CPU_COUNT(&cores));
}

/// What the lowest failing index threw.
class Failure {
 public:
  void note(size_t index, std::exception_ptr thrown) {
    const std::scoped_lock lock(mutex_);
    if (thrown_ && index_ < index) return;
    index_ = index;
    thrown_ = std::move(thrown);
  }
  void rethrow_if_any() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  std::mutex mutex_;
  size_t index_ = 0;
  std::exception_ptr thrown_;
};

}  // namespace

void parallel_for(size_t count, const std::function<void(size_t)>& work, size_t threads) {
  if (threads == 0) threads = usable_cores();
  Failure failure;
  std::atomic<size_t> next = 0;
  const auto take = [&] {
    for (size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        failure.note(i, std::current_exception());
        next = count;  // all below i were taken before it, so none that could matter is left out
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back(take);
    take();
  }
  failure.rethrow_if_any();
}

}  // namespace reprise
