#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <regex>

namespace reprise::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

/// https://no-color.org, and terminals that cannot.
spdlog::color_mode color_mode() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool plain = (no_color && *no_color) || (terminal && std::string_view(terminal) == "dumb");
  return plain ? spdlog::color_mode::never : spdlog::color_mode::automatic;
}

}  // namespace

void start(Level level, int rank, int ranks) {
  auto logger = std::make_shared<spdlog::logger>(
      "reprise", std::make_shared<spdlog::sinks::stderr_color_sink_mt>(color_mode()));
  const std::string who = ranks > 1 ? concat(" [rank ", rank, "]") : "";
  logger->set_pattern(concat("%H:%M:%S %^%l%$", who, " %v"));
  logger->set_level(to_spdlog(rank == 0 ? level : std::max(level, Level::kWarning)));
  spdlog::set_default_logger(std::move(logger));
}

void write(Level level, std::string_view line) {
  spdlog::default_logger_raw()->log(to_spdlog(level),
                                    spdlog::string_view_t(line.data(), line.size()));
}

std::string message_of(const std::string& line) {
  static const std::regex head(  // of start()'s pattern
      R"(\d\d:\d\d:\d\d (debug|info|warning|error)( \[rank \d+\])? )");
  std::smatch found;
  const bool ours = std::regex_search(line, found, head, std::regex_constants::match_continuous);
  return ours ? found.suffix().str() : line;
}

}  // namespace reprise::log
