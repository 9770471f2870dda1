// The wish of the machine that a long run end soon: SIGTERM and SIGUSR1, which schedulers send
// before they kill.
//
// The work asks at places where it can stop without loss, saves, and ends with
// ExitCode::kResumable. A SIGTERM two seconds or more behind the first signal ends the process at
// once: the work did not come to such a place. (Sooner it may be the same one, handed on by the
// scheduler and by mpirun.)
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
