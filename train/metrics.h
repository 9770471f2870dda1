// metrics.jsonl: one JSON object a line, a line a step. docs/training.md names the keys.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json_fwd.hpp>

namespace reprise {

class MetricsFile {
 public:
  /// Goes on behind step `first_step` - 1: lines of later steps, left by a run that was killed
  /// after its last checkpoint, and a torn last line are cut off. Throws kBadInput where a line
  /// before them cannot be read.
  MetricsFile(const std::filesystem::path& path, int64_t first_step);

  /// `line` has a "step". Throws kFailure (full disk).
  void append(const nlohmann::json& line);
  /// Until this returns, lines may be lost with the machine's power.
  void sync();

 private:
  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace reprise
