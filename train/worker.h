// A thread that runs jobs one after the other, in the order they were posted.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace reprise {

class Worker {
 public:
  Worker();
  ~Worker();  ///< ends after the running job; jobs still queued are dropped
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void post(std::function<void()> job);
  /// Blocks until no job is left. Rethrows the first exception a job ended with; the jobs behind it
  /// were dropped.
  void wait();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool busy_ = false, ending_ = false;
  std::exception_ptr failure_;
  std::thread thread_;  ///< last: starts when the rest is there
};

}  // namespace reprise
