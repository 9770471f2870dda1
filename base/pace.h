// When long work has something to say.
#pragma once

#include <chrono>

namespace reprise {

/// Lines of progress in a log: a command that fails within this time has printed one line in all,
/// that of its failure.
inline constexpr std::chrono::milliseconds kLogPause{10'000};

class Pace {
 public:
  explicit Pace(std::chrono::milliseconds pause) : pause_(pause) {}

  /// Whether `pause` has passed since the construction or since the last call that said so.
  bool due();

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::milliseconds pause_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace reprise
