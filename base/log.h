// The log: one line an event, on stderr, so that stdout carries only data. spdlog does the work
// (log.cpp).
#pragma once

#include <string>
#include <string_view>

#include "base/format.h"

namespace reprise::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

/// Once per process, before the first line. Ranks other than 0 keep to warnings, and say which rank
/// they are.
void start(Level level, int rank, int ranks);

void write(Level level, std::string_view line);

/// What was written, from a line of a log: without time, level and rank. A line of another origin
/// as it is.
std::string message_of(const std::string& line);

template <class... Parts>
void debug(const Parts&... parts) {
  write(Level::kDebug, concat(parts...));
}
template <class... Parts>
void info(const Parts&... parts) {
  write(Level::kInfo, concat(parts...));
}
template <class... Parts>
void warning(const Parts&... parts) {
  write(Level::kWarning, concat(parts...));
}
template <class... Parts>
void error(const Parts&... parts) {
  write(Level::kError, concat(parts...));
}

}  // namespace reprise::log
