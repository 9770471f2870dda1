// Independent work on all cores, with results in the order of the work: the outcome knows nothing
// of the threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <thread>
#include <vector>

namespace reprise {

/// results[i] = work(i) for i in [0, count). Where several throw, the error of the lowest i leaves.
template <class Work>
auto parallel_map(size_t count, const Work& work) {
  using Result = decltype(work(size_t{0}));
  std::vector<std::packaged_task<Result()>> tasks;
  std::vector<std::future<Result>> futures;
  for (size_t i = 0; i < count; ++i) {
    tasks.emplace_back([&work, i] { return work(i); });
    futures.push_back(tasks.back().get_future());
  }
  std::atomic<size_t> next = 0;
  {
    std::vector<std::jthread> threads;
    const size_t wanted =
        std::min<size_t>(count, std::max(1u, std::thread::hardware_concurrency()));
    for (size_t thread = 0; thread < wanted; ++thread)
      threads.emplace_back([&] {
        for (size_t i = next++; i < count; i = next++) tasks[i]();
      });
  }
  std::vector<Result> results;
  for (auto& future : futures) results.push_back(future.get());
  return results;
}

}  // namespace reprise
