// Ends a job that hangs: a collective that one rank never joins returns on none of the others.
//
//   Watchdog watchdog({.timeout = 600s}, comm.rank(), [&] { ncclCommAbort(comm); });
//   { const auto watch = watchdog.watch("ncclAllReduce");  ...the call... }
//
// When a watched call overstays, the watchdog prints one line naming rank and call, runs `on_hang`,
// and aborts the job with ExitCode::kFailure. Either of the two may hang as well, so after `grace`
// the process leaves without them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace reprise {

struct WatchdogOptions {
  std::chrono::milliseconds timeout{600'000};  ///< how long a call may take
  std::chrono::milliseconds grace{10'000};     ///< how long on_hang and the abort may take
};

/// Watches one call at a time, on a thread of its own. Not movable: that thread holds its address.
class Watchdog {
 public:
  Watchdog(
      WatchdogOptions options, int rank, std::function<void()> on_hang = [] {});
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// The call is watched for as long as this lives.
  class Watch {
   public:
    explicit Watch(Watchdog& watchdog) : watchdog_(watchdog) {}
    ~Watch() { watchdog_.set_call({}); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Watchdog& watchdog_;
  };

  /// `call` goes into the line, so it says what was waited for; it is not empty.
  [[nodiscard]] Watch watch(std::string call);

 private:
  void set_call(std::string call);
  void run();
  [[noreturn]] void end_job(const std::string& call) const;

  const WatchdogOptions options_;
  const int rank_;
  const std::function<void()> on_hang_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string call_;  ///< empty between calls
  std::chrono::steady_clock::time_point deadline_;
  bool stopping_ = false;
  std::thread thread_;  ///< last, so that it starts when everything else is there
};

}  // namespace reprise
