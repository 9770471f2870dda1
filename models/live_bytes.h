// How many bytes of tensors this thread holds, told by libtorch's allocators: the host's and
// CUDA's.
//
//   LiveBytes bytes;
//   ... base passes ...
//   const int64_t most = bytes.take_peak();   // and the next peak counts from here
#pragma once

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

namespace reprise {

/// Counts from its construction on; what was there before counts as nothing, and as negative once
/// it is freed. Tensors that another thread makes are not seen. Of two at a time the inner counts.
class LiveBytes {
 public:
  int64_t now() const { return counter_->now; }
  int64_t peak() const { return counter_->peak; }
  /// The peak so far; from here on that of what follows, what is held now included.
  int64_t take_peak() { return std::exchange(counter_->peak, counter_->now); }

 private:
  struct Counter final : c10::MemoryReportingInfoBase {
    void reportMemoryUsage(void*, int64_t change, size_t, size_t, c10::Device) override {
      now += change;
      peak = std::max(peak, now);
    }
    bool memoryProfilingEnabled() const override { return true; }
    int64_t now = 0, peak = 0;
  };

  std::shared_ptr<Counter> counter_ = std::make_shared<Counter>();
  c10::DebugInfoGuard guard_{c10::DebugInfoKind::PROFILER_STATE, counter_};
};

}  // namespace reprise
