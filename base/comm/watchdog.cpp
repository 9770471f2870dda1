#include "base/comm/watchdog.h"

#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/comm/mpi.h"
#include "base/error.h"

namespace reprise {

Watchdog::Watchdog(WatchdogOptions options, int rank, std::function<void()> on_hang)
    : options_(options), rank_(rank), on_hang_(std::move(on_hang)), thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Watchdog::Watch Watchdog::watch(std::string call) {
  set_call(std::move(call));
  return Watch(*this);
}

void Watchdog::set_call(std::string call) {
  {
    const std::lock_guard lock(mutex_);
    call_ = std::move(call);
    deadline_ = std::chrono::steady_clock::now() + options_.timeout;
  }
  changed_.notify_one();
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (call_.empty()) {
      changed_.wait(lock);
    } else if (std::chrono::steady_clock::now() >= deadline_) {
      end_job(call_);
    } else {
      changed_.wait_until(lock, deadline_);
    }
  }
}

void Watchdog::end_job(const std::string& call) const {
  const double waited_s = std::chrono::duration<double>(options_.timeout).count();
  const std::string line = concat("error: rank ", rank_, ": ", call, " has not returned within ",
                                  waited_s, " s: another rank is lost or does other work\n");
  // One write, past every lock a hung thread may hold.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());

  constexpr int kCode = static_cast<int>(ExitCode::kFailure);
  std::thread([on_hang = on_hang_] {
    on_hang();
    abort_job(kCode);
  }).detach();
  std::this_thread::sleep_for(options_.grace);
  std::_Exit(kCode);
}

}  // namespace reprise
