#include "base/stop_request.h"

#include <csignal>
#include <ctime>

namespace reprise {
namespace {

volatile std::sig_atomic_t stop_signal = 0;  // a signal handler can reach nothing else

volatile std::sig_atomic_t stop_second = 0;  // of the monotonic clock
/// Whole seconds, so that at least one lies between the two signals.
constexpr std::sig_atomic_t kSecondsApart = 2;

void remember(int signal) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto second = static_cast<std::sig_atomic_t>(now.tv_sec);
  if (stop_signal == 0) {
    stop_signal = signal;
    stop_second = second;
  } else if (signal == SIGTERM && second - stop_second >= kSecondsApart) {
    std::signal(SIGTERM, SIG_DFL);
    std::raise(SIGTERM);  // acts when this returns
  }
}

}  // namespace

StopRequest::StopRequest() {
  stop_signal = 0;
  old_terminate_ = std::signal(SIGTERM, remember);
  old_user_ = std::signal(SIGUSR1, remember);
}

StopRequest::~StopRequest() {
  std::signal(SIGTERM, old_terminate_);
  std::signal(SIGUSR1, old_user_);
}

bool StopRequest::arrived() const { return stop_signal != 0; }

}  // namespace reprise
