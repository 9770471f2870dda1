#include "eval/trace/ledger.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/stopwatch.h"

namespace reprise {
namespace fs = std::filesystem;
namespace {

constexpr const char* kJoined = "ledger.jsonl";

std::string to_line(const Segment& segment, const std::string& configuration) {
  return nlohmann::json{{"first_unit", segment.units.first},
                        {"units", segment.units.count},
                        {"file", segment.file},
                        {"sha256", segment.sha256},
                        {"writing_s", segment.writing_s},
                        {"configuration", configuration}}
      .dump();
}

/// Segments by their first unit: a unit is never in two of them.
using SegmentMap = std::map<int64_t, Segment>;

/// One line of a ledger; nothing where it is not whole, as the last one of a killed run may be.
std::optional<Segment> parse_line(const std::string& line, std::string& configuration) {
  const auto entry = nlohmann::json::parse(line, nullptr, false);
  for (const char* key : {"first_unit", "units", "file", "sha256", "writing_s", "configuration"})
    if (!entry.is_object() || !entry.contains(key)) return std::nullopt;
  configuration = entry["configuration"];
  return Segment{
      {entry["first_unit"], entry["units"]}, entry["file"], entry["sha256"], entry["writing_s"]};
}

void read_ledger(const fs::path& path, const std::string& configuration, SegmentMap& segments) {
  std::istringstream lines(read_file(path));
  for (std::string line, written_by; std::getline(lines, line);) {
    const auto segment = parse_line(line, written_by);
    if (!segment) continue;  // its units are scored again
    require(
        written_by == configuration, ExitCode::kBadInput, path.string(),
        ": holds segments of another configuration; give another --eval.out or delete the folder");
    segments[segment->units.first] = *segment;
  }
}

bool is_intact(const fs::path& folder, const Segment& segment) {
  return fs::exists(folder / segment.file) &&
         to_hex(sha256_file(folder / segment.file)) == segment.sha256;
}

bool is_ledger(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with("ledger.") && name.ends_with(".jsonl");
}

/// Leaves in `folder` one ledger and the segments it names.
std::string join_ledgers(const fs::path& folder, const std::string& configuration) {
  SegmentMap segments;
  std::vector<fs::path> ledgers, files;
  for (const auto& entry : fs::directory_iterator(folder))
    (is_ledger(entry.path()) ? ledgers : files).push_back(entry.path());
  for (const auto& path : ledgers) read_ledger(path, configuration, segments);

  const auto damaged =
      std::erase_if(segments, [&](const auto& entry) { return !is_intact(folder, entry.second); });
  if (damaged > 0) log::warning(folder.string(), ": ", damaged, " damaged segments, scored again");

  std::string joined;
  for (const auto& [_, segment] : segments) joined += to_line(segment, configuration) + '\n';
  write_file(folder / kJoined, joined);
  for (const auto& path : ledgers)
    if (path.filename() != kJoined) fs::remove(path);
  for (const auto& path : files) {
    const auto is_this = [&](const auto& entry) { return entry.second.file == path.filename(); };
    if (std::ranges::none_of(segments, is_this)) fs::remove(path);  // cut short, or damaged
  }
  return joined;
}

std::vector<Segment> parse_lines(const std::string& text) {
  std::vector<Segment> segments;
  std::istringstream lines(text);
  for (std::string line, written_by; std::getline(lines, line);) {
    const auto segment = parse_line(line, written_by);
    require(segment.has_value(), ExitCode::kFailure,
            "a rank sent a ledger line that is not one: ", line);
    segments.push_back(*segment);
  }
  return segments;
}

}  // namespace

SegmentLedger::SegmentLedger(fs::path folder, std::string configuration, Communicator& comm)
    : folder_(std::move(folder)), configuration_(std::move(configuration)), rank_(comm.rank()) {
  std::string joined;
  if (rank_ == 0) {
    make_folder(folder_);
    joined = join_ledgers(folder_, configuration_);
  }
  finished_ = parse_lines(broadcast_text(comm, std::move(joined)));
}

fs::path SegmentLedger::path_of(UnitRange units) const {
  char name[64];
  std::snprintf(name, sizeof name, "segment-%08lld-%lld.h5", static_cast<long long>(units.first),
                static_cast<long long>(units.count));
  return folder_ / name;
}

void SegmentLedger::add(UnitRange units, const std::function<void(const fs::path&)>& write) {
  const Stopwatch watch;
  const fs::path path = path_of(units);
  write(path);
  const std::string checksum = to_hex(sha256_file(path));
  added_.push_back({units, path.filename().string(), checksum, watch.seconds()});
  append_line(folder_ / concat("ledger.", rank_, ".jsonl"), to_line(added_.back(), configuration_));
}

std::vector<Segment> SegmentLedger::all(Communicator& comm) const {
  std::string mine;
  for (const auto& segment : added_) mine += to_line(segment, configuration_) + '\n';
  std::vector<Segment> segments = finished_;
  for (const auto& text : gather_texts(comm, mine))
    for (auto& segment : parse_lines(text)) segments.push_back(std::move(segment));
  std::ranges::sort(segments, {}, [](const Segment& segment) { return segment.units.first; });
  return segments;
}

std::vector<UnitRange> unfinished_ranges(int64_t units, int64_t most,
                                         const std::vector<Segment>& finished) {
  std::vector<UnitRange> ranges;
  int64_t next = 0;
  const auto cover = [&](int64_t end) {
    for (; next < end; next = ranges.back().end())
      ranges.push_back({next, std::min(most, end - next)});
  };
  for (const auto& segment : finished) {
    cover(segment.units.first);
    next = segment.units.end();
  }
  cover(units);
  return ranges;
}

}  // namespace reprise
