// metrics.jsonl: one JSON object a line, a line a step. docs/training.md names the keys.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace reprise {

inline constexpr const char* kMetrics = "metrics.jsonl";

class MetricsFile {
 public:
  /// Goes on behind step `first_step` - 1: lines of later steps, left by a run that was killed
  /// after its last checkpoint, and a torn last line are cut off. Throws kBadInput where a line
  /// before them cannot be read.
  MetricsFile(const std::filesystem::path& path, int64_t first_step);

  /// `line` has a "step". A line that cannot be written (full disk) waits for the next call; the
  /// first time a warning says so, and training goes on.
  void append(const nlohmann::json& line);
  /// Until this returns, lines may be lost with the machine's power. Warns as append() does.
  void sync();

 private:
  void write_waiting();
  void warn(const std::string& why);

  std::filesystem::path path_;
  std::ofstream out_;
  std::uintmax_t whole_ = 0;  ///< bytes of the file's whole lines
  std::string waiting_;       ///< lines that are not in the file yet
  bool warned_ = false;
};

}  // namespace reprise
