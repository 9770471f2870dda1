// Independent work on the cores of the machine. What comes out does not depend on how many there
// are: every index writes its own place, and of several failures the lowest index's is thrown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <vector>

namespace reprise {

/// What an option may ask for: more only wait for one another.
inline constexpr int64_t kMostThreads = 4096;

/// Calls work(0) ... work(count - 1), each once, on up to `threads` threads (0: as many as the
/// process may use cores). Returns when all have ended. Where some throw, what the lowest of them
/// threw passes through; indices above it may not have been called.
void parallel_for(size_t count, const std::function<void(size_t)>& work, size_t threads = 0);

/// results[i] = work(i) for i in [0, count), by the rules of parallel_for().
template <class Work>
auto parallel_map(size_t count, const Work& work, size_t threads = 0) {
  using Result = std::invoke_result_t<const Work&, size_t>;
  static_assert(!std::is_same_v<Result, bool>, "neighbours in a vector<bool> share a byte");
  std::vector<Result> results(count);
  parallel_for(
      count, [&](size_t i) { results[i] = work(i); }, threads);
  return results;
}

}  // namespace reprise
