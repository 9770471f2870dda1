#include "base/stop_request.h"

#include <csignal>

namespace reprise {
namespace {

volatile std::sig_atomic_t stop_signal = 0;  // a signal handler can reach nothing else

void remember(int signal) { stop_signal = signal; }

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
