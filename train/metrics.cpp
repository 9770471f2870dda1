#include "train/metrics.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

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
  const std::string before = lines_before(path, first_step);
  write_file(path, before);
  whole_ = before.size();
  out_.rdbuf()->pubsetbuf(nullptr, 0);  // what could not be written must not come again by itself
  out_.open(path, std::ios::app);
  if (!out_) fail_errno(ExitCode::kFailure, concat("cannot open ", path.string()));
}

void MetricsFile::append(const json& line) {
  waiting_ += line.dump() + '\n';
  write_waiting();
}

void MetricsFile::write_waiting() {
  out_ << waiting_ << std::flush;
  if (out_) {
    whole_ += waiting_.size();
    waiting_.clear();
    return;
  }
  warn(std::strerror(errno));
  out_.clear();
  std::error_code ignored;  // a torn last line is cut off when the file is opened again
  std::filesystem::resize_file(path_, whole_, ignored);
}

void MetricsFile::sync() {
  if (!waiting_.empty()) write_waiting();
  try {
    sync_to_disk(path_);
  } catch (const Error& error) {
    warn(error.what());
  }
}

void MetricsFile::warn(const std::string& why) {
  if (!std::exchange(warned_, true))
    log::warning("cannot write ", path_.string(), ", training goes on without: ", why);
}

}  // namespace reprise
