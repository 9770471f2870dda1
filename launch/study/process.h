// A child process that writes to a log, and the signals that reach this one meanwhile.
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace reprise {

/// While this lives, SIGINT, SIGTERM, SIGUSR1 and SIGCHLD wait to be taken instead of acting.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  /// The next of them, or 0 after `patience`.
  int take(std::chrono::milliseconds patience) const;

 private:
  sigset_t held_, before_;
};

struct ProcessOptions {
  std::vector<std::string> words;        ///< program first, looked for in PATH
  std::vector<std::string> environment;  ///< NAME=value, all of it
  std::filesystem::path output;          ///< stdout, from the start
  std::filesystem::path log;             ///< stderr, appended
};

struct ProcessEnd {
  int code = 0;              ///< 128 + signal where a signal killed it
  bool interrupted = false;  ///< a signal to this process was passed on to it
};

/// Starts the process in a group of its own and waits, calling `tick` every second. The first
/// SIGINT, SIGTERM or SIGUSR1 reaches the child as SIGUSR1 (mpirun hands that on to its ranks,
/// which save and end; SIGTERM it would follow with SIGKILL a second later), the second as SIGTERM.
/// The child gets SIGTERM if this process dies. It inherits the descriptors that are not
/// close-on-exec. Throws kFailure where it cannot be started.
ProcessEnd run_process(const ProcessOptions& options, const HeldSignals& signals,
                       const std::function<void()>& tick);

}  // namespace reprise
