// Progress of long work: a bar that redraws itself on a terminal, a plain line now and then in a
// log. Work that is over before its first line is due shows nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/pace.h"
#include "base/stopwatch.h"

namespace reprise {

class Progress {
 public:
  /// `total` units of `what` ("steps", "tokens"). Only rank 0 shows anything. `done` units were
  /// there before (resume). `log_pause` lies before every line in a log.
  Progress(std::string what, int64_t total, int rank, int64_t done = 0,
           std::chrono::milliseconds log_pause = kLogPause);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` units so far, with a short note behind ("loss 3.21, 15 ktok/s"). Cheap: draws at most
  /// ten times a second on a terminal and every ten seconds in a log, and once more at the end
  /// where it has drawn before.
  void update(int64_t done, std::string_view note);

  double elapsed_s() const { return watch_.seconds(); }

 private:
  void draw(int64_t done, std::string_view note);
  std::string what_;
  int64_t total_, first_;
  bool shown_, terminal_;
  bool drawn_ = false;
  Stopwatch watch_;
  Pace pace_;
};

}  // namespace reprise
