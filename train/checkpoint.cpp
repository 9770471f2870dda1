#include "train/checkpoint.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/options.h"
#include "train/tensor_file.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kCheckpointFormat = "reprise-checkpoint 1";
/// What a manifest of this program holds; another version's may lack some.
constexpr const char* kKeys[] = {"step",   "elapsed_s", "ranks",    "threads",
                                 "device", "layouts",   "identity", "files"};
constexpr const char* kManifest = "manifest.json";

/// What `work` throws, as text; "" where it succeeds. Ranks must meet again after a failure of one.
template <class Work>
std::string error_of(Work work) {
  try {
    work();
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// The tensors one rank writes: those that only it holds, and of the common ones each goes to the
/// rank that has the fewest bytes of them so far.
std::vector<NamedTensor> share_of(const StateShare& state, const Communicator& comm) {
  std::vector<size_t> bytes(static_cast<size_t>(comm.size()));
  std::vector<NamedTensor> mine = state.mine;
  for (const auto& tensor : state.common) {
    const auto least = std::ranges::min_element(bytes);
    *least += tensor.tensor.nbytes();
    if (least - bytes.begin() == comm.rank()) mine.push_back(tensor);
  }
  return mine;
}

std::string share_name(const Communicator& comm) {
  char name[64];
  std::snprintf(name, sizeof name, "rank_%05d_of_%05d.safetensors", comm.rank(), comm.size());
  return name;
}

}  // namespace

CheckpointFolder::CheckpointFolder(fs::path folder, Communicator& comm)
    : folder_(std::move(folder)), comm_(comm) {}

fs::path CheckpointFolder::place_of(int64_t step) const {
  char name[32];
  std::snprintf(name, sizeof name, "step_%06lld", static_cast<long long>(step));
  return folder_ / name;
}

bool CheckpointFolder::save(const CheckpointRecord& record, const StateShare& state) {
  const fs::path place = place_of(record.step);
  std::string error;
  if (comm_.rank() == 0) error = error_of([&] { make_folder(place), sync_to_disk(folder_); });
  if (!all_succeeded(error, record.step)) return false;

  json mine;
  error = error_of([&] { mine = write_share(place, state); });
  if (!all_succeeded(error, record.step)) return false;

  const auto files = gather_texts(comm_, mine.dump());
  if (comm_.rank() == 0) error = error_of([&] { commit(record, files); });
  return all_succeeded(error, record.step);
}

bool CheckpointFolder::all_succeeded(const std::string& my_error, int64_t step) {
  const auto errors = gather_texts(comm_, my_error);
  const auto failed =
      std::ranges::find_if(errors, [](const std::string& error) { return !error.empty(); });
  if (failed == errors.end()) return true;
  if (comm_.rank() == 0) {
    std::error_code ignored;  // what cannot be removed has no manifest and does not count
    fs::remove_all(place_of(step), ignored);
    log::warning("no checkpoint of step ", step, ", the last one stays: ", *failed, " (rank ",
                 failed - errors.begin(), ")");
  }
  return false;
}

json CheckpointFolder::write_share(const fs::path& place, const StateShare& state) const {
  const std::string name = share_name(comm_);
  const HostArrays arrays(share_of(state, comm_));
  const Sha256 digest = write_safetensors(place / name, arrays.views());
  return {{"name", name}, {"bytes", fs::file_size(place / name)}, {"sha256", to_hex(digest)}};
}

void CheckpointFolder::commit(const CheckpointRecord& record,
                              const std::vector<std::string>& files) const {
  json manifest{
      {"format", kCheckpointFormat}, {"step", record.step},         {"elapsed_s", record.elapsed_s},
      {"ranks", record.ranks},       {"threads", record.threads},   {"device", record.device},
      {"layouts", record.layouts},   {"identity", record.identity}, {"files", json::array()}};
  for (const auto& file : files) manifest["files"].push_back(json::parse(file));
  manifest["digest"] = digest_of(manifest);
  write_file(place_of(record.step) / kManifest, manifest.dump(1));
}

void CheckpointFolder::keep_only(int64_t kept) {
  if (comm_.rank() != 0) return;
  for (const int64_t step : steps()) {
    std::error_code ignored;
    if (step != kept) fs::remove_all(place_of(step), ignored);
  }
}

std::vector<int64_t> CheckpointFolder::steps() const {
  std::vector<int64_t> found;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder_, missing)) {
    long long step = 0;
    if (std::sscanf(entry.path().filename().c_str(), "step_%lld", &step) == 1)
      found.push_back(step);
  }
  return found;
}

std::vector<int64_t> CheckpointFolder::complete_steps() const {
  std::vector<int64_t> complete = steps();
  std::erase_if(complete, [&](int64_t step) { return !fs::exists(place_of(step) / kManifest); });
  return complete;
}

std::optional<int64_t> CheckpointFolder::newest_before(int64_t step) const {
  std::vector<int64_t> older = complete_steps();
  std::erase_if(older, [&](int64_t other) { return other >= step; });
  if (older.empty()) return std::nullopt;
  return *std::ranges::max_element(older);
}

json CheckpointFolder::read_manifest(int64_t step) const {
  const fs::path path = place_of(step) / kManifest;
  json manifest = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  const bool whole = manifest.is_object() && manifest.value("format", "") == kCheckpointFormat &&
                     manifest.contains("digest");
  require(whole, ExitCode::kBadInput, path.string(),
          ": not a checkpoint's manifest; remove the folder to start afresh");
  const json digest = manifest["digest"];
  manifest.erase("digest");
  require(digest == digest_of(manifest), ExitCode::kBadInput, path.string(),
          ": damaged (its digest differs); remove the folder to start afresh");
  for (const char* key : kKeys)
    require(manifest.contains(key), ExitCode::kBadInput, path.string(), ": says no ", key,
            ", as another version wrote it; go on with that or remove the folder to start afresh");
  return manifest;
}

std::optional<CheckpointRecord> CheckpointFolder::newest() const {
  const std::vector<int64_t> complete = complete_steps();
  if (complete.empty()) return std::nullopt;
  const json manifest = read_manifest(*std::ranges::max_element(complete));
  return CheckpointRecord{manifest["step"],    manifest["elapsed_s"], manifest["ranks"],
                          manifest["threads"], manifest["device"],    manifest["layouts"],
                          manifest["identity"]};
}

void CheckpointFolder::restore(const CheckpointRecord& record, const StateShare& state) const {
  const fs::path place = place_of(record.step);
  std::map<std::string, at::Tensor> wanted;
  for (const auto* tensors : {&state.common, &state.mine})
    for (const auto& tensor : *tensors) wanted.emplace(tensor.name, tensor.tensor);
  for (const auto& name : state.elsewhere) wanted.emplace(name, at::Tensor());
  const json manifest = read_manifest(record.step);
  for (const json& file : manifest["files"]) {
    const fs::path path = place / file["name"].get<std::string>();
    const std::string recorded = file["sha256"];
    require(to_hex(sha256_file(path)) == recorded, ExitCode::kBadInput, path.string(),
            ": damaged (its checksum differs from the manifest's); remove ", place.string(),
            " to start afresh, or from a checkpoint before it where there is one");
    read_tensors_into(path, wanted);
  }
  require(wanted.empty(), ExitCode::kBadInput, place.string(), ": lacks ",
          wanted.empty() ? "" : wanted.begin()->first);
}

void CheckpointFolder::remove_all() {
  std::error_code ignored;
  if (comm_.rank() == 0) fs::remove_all(folder_, ignored);
}

void require_same_identity(const json& ours, const json& theirs, const std::string& whose,
                           std::string_view place) {
  if (ours == theirs) return;
  const json flat_ours = ours.flatten(), flat_theirs = theirs.flatten();
  const auto text = [](const json& flat, const std::string& key) {
    return flat.contains(key) ? flat[key].dump() : "not there";
  };
  const auto refuse_where_different = [&](const std::string& pointer) {
    if (text(flat_ours, pointer) == text(flat_theirs, pointer)) return;
    std::string key = pointer.substr(1);
    std::ranges::replace(key, '/', '.');
    fail(ExitCode::kBadInput, whose, " is of another configuration: ", key, " is ",
         text(flat_theirs, pointer), " there and ", text(flat_ours, pointer), " here; use another ",
         place, " or the same value");
  };
  for (const auto& [pointer, _] : flat_ours.items()) refuse_where_different(pointer);
  for (const auto& [pointer, _] : flat_theirs.items()) refuse_where_different(pointer);
}

}  // namespace reprise
