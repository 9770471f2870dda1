// How many threads compute a tensor. How a sum is cut over them decides its last bits, so what has
// to be the same on every machine is computed by one.
#pragma once

#include <ATen/Parallel.h>

namespace reprise {

/// Sets the number for as long as this lives, then puts back what was there.
class ThreadCount {
 public:
  explicit ThreadCount(int64_t threads) : before_(at::get_num_threads()) {
    at::set_num_threads(static_cast<int>(threads));
  }
  ~ThreadCount() { at::set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

}  // namespace reprise
