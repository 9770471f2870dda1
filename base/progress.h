// Progress of long work: a bar that redraws itself on a terminal, a plain line now and then in a
// log.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace reprise {

class Progress {
 public:
  /// `total` units of `what` ("steps", "tokens"). Only rank 0 shows anything. `done` units were
  /// there before (resume).
  Progress(std::string what, int64_t total, int rank, int64_t done = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` units so far, with a short note behind ("loss 3.21, 15 ktok/s"). Cheap: draws at most
  /// ten times a second on a terminal and every ten seconds in a log.
  void update(int64_t done, std::string_view note);

  double elapsed_s() const;

 private:
  void draw(int64_t done, std::string_view note);
  using Clock = std::chrono::steady_clock;
  std::string what_;
  int64_t total_, first_;
  bool shown_, terminal_;
  Clock::time_point start_, last_draw_;
};

}  // namespace reprise
