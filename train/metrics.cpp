#include "train/metrics.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/file.h"

namespace reprise {
using nlohmann::json;
namespace {

/// The whole lines of steps before `first_step`.
std::string lines_before(const std::filesystem::path& path, int64_t first_step) {
  if (!std::filesystem::exists(path)) return "";
  const std::string text = read_file(path);
  size_t kept = 0;
  for (int64_t line = 1; kept < text.size(); ++line) {
    const size_t end = text.find('\n', kept);
    if (end == std::string::npos) break;
    const json entry = json::parse(text.begin() + static_cast<std::ptrdiff_t>(kept),
                                   text.begin() + static_cast<std::ptrdiff_t>(end), nullptr,
                                   /*allow_exceptions=*/false);
    const bool readable =
        entry.is_object() && entry.contains("step") && entry["step"].is_number_integer();
    require(readable, ExitCode::kBadInput, path.string(), ": line ", line,
            " is no step; remove the file to go on");
    if (entry["step"].get<int64_t>() >= first_step) break;
    kept = end + 1;
  }
  return text.substr(0, kept);
}

}  // namespace

MetricsFile::MetricsFile(const std::filesystem::path& path, int64_t first_step) : path_(path) {
  write_file(path, lines_before(path, first_step));
  out_.open(path, std::ios::app);
  if (!out_) fail_errno(ExitCode::kFailure, concat("cannot open ", path.string()));
}

void MetricsFile::append(const json& line) {
  out_ << line.dump() << '\n' << std::flush;
  if (!out_) fail_errno(ExitCode::kFailure, concat("cannot write ", path_.string()));
}

void MetricsFile::sync() { sync_to_disk(path_); }

}  // namespace reprise
