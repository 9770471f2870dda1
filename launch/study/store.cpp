#include "launch/study/store.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/file.h"

namespace reprise {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// Bytes of a file, or of all the files in a folder; -1 where there is nothing.
int64_t bytes_at(const fs::path& path) {
  if (!fs::exists(path)) return -1;
  if (!fs::is_directory(path)) return static_cast<int64_t>(fs::file_size(path));
  int64_t sum = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) sum += static_cast<int64_t>(entry.file_size());
  return sum;
}

bool is_record(const json& record) {
  const auto has = [&](const char* key, bool (json::*of_type)() const noexcept) {
    return record.contains(key) && (record[key].*of_type)();
  };
  return record.is_object() && has("key", &json::is_string) &&
         has("exit_code", &json::is_number_integer) && has("elapsed_s", &json::is_number) &&
         has("outputs", &json::is_object) &&
         std::ranges::all_of(record["outputs"], &json::is_number_integer);
}

/// The record, or null where there is none that can be read.
json record_at(const fs::path& folder) {
  const fs::path path = folder / "done.json";
  if (!fs::exists(path)) return nullptr;
  json record = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  return is_record(record) ? record : json(nullptr);
}

void remove_outputs(const Node& node, const fs::path& folder) {
  for (const auto& output : node.outputs) {
    std::error_code error;
    fs::remove_all(folder / output.file, error);
    require(!error, ExitCode::kFailure, "cannot remove ", (folder / output.file).string(), ": ",
            error.message());
  }
}

/// Replaces the link in one step, so that it always leads somewhere.
void point_link(const fs::path& link, const fs::path& target) {
  const fs::path temporary = concat(link.string(), ".tmp.", ::getpid());
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_directory_symlink(target, temporary, error);
  if (!error) fs::rename(temporary, link, error);
  require(!error, ExitCode::kFailure, "cannot link ", link.string(), ": ", error.message());
}

}  // namespace

NodeState state_of(const Node& node, const fs::path& out) {
  const fs::path folder = out / node.folder();
  if (!fs::exists(folder)) return NodeState::kMissing;
  const json record = record_at(folder);
  if (record.is_null() || record["key"] != node.key) return NodeState::kPartial;
  const json& outputs = record["outputs"];
  const bool whole = std::ranges::all_of(node.outputs, [&](const Output& output) {
    return outputs.value(output.file, int64_t{-2}) == bytes_at(folder / output.file);
  });
  return whole ? NodeState::kDone : NodeState::kPartial;
}

void open_node(const Graph& graph, const Node& node, const fs::path& out) {
  const fs::path folder = out / node.folder();
  make_folder(folder);
  if (!node.continues) remove_outputs(node, folder);
  write_file(folder / "config.ini", config_text(graph, node, out));
  point_link(out / node.name, node.folder());
}

void record_done(const Node& node, const fs::path& out, Completion completion) {
  const fs::path folder = out / node.folder();
  json outputs = json::object();
  for (const auto& output : node.outputs) {
    const int64_t bytes = bytes_at(folder / output.file);
    require(bytes >= 0, ExitCode::kFailure, node.name, " ended well without writing ",
            (folder / output.file).string());
    outputs[output.file] = bytes;
  }
  const json record = {{"key", node.key},
                       {"exit_code", static_cast<int>(completion.code)},
                       {"elapsed_s", completion.elapsed_s},
                       {"outputs", outputs}};
  write_file(folder / "done.json", record.dump(1) + "\n");
}

Completion completion_of(const Node& node, const fs::path& out) {
  const json record = record_at(out / node.folder());
  return {static_cast<ExitCode>(record.at("exit_code").get<int>()),
          record.at("elapsed_s").get<double>()};
}

std::string last_line(const fs::path& log) {
  constexpr std::streamoff kTail = 4096;
  std::ifstream in(log, std::ios::binary | std::ios::ate);
  if (!in) return "";
  const std::streamoff size = in.tellg();
  in.seekg(std::max<std::streamoff>(0, size - kTail));
  std::string line, last;
  while (std::getline(in, line))
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  return last;
}

}  // namespace reprise
