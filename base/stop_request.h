// The wish of the machine that a long run end soon: SIGTERM and SIGUSR1, which schedulers send
// before they kill.
//
// The work asks at places where it can stop without loss, saves, and ends with
// ExitCode::kResumable.
#pragma once

namespace reprise {

/// Catches both signals for as long as it lives; at most one at a time in a process.
class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  /// Whether one has arrived since construction.
  bool arrived() const;

 private:
  using Handler = void (*)(int);
  Handler old_terminate_, old_user_;
};

}  // namespace reprise
