// Checkpoints: all that training needs to go on, on disk for good before the last one goes.
//
//   out/checkpoint/step_000200/rank_00000_of_00002.safetensors   each rank's share of the tensors
//                              rank_00001_of_00002.safetensors
//                              manifest.json                     last: a folder without it does not
//                              count
//
// Saving: every rank writes its share (temporary file, fsync, rename, fsync of the folder); all
// agree that they have; rank 0 writes the manifest with checksums the same way. The older
// checkpoint goes later, by keep_only(), when a step from the newer one has been finite. Whenever a
// run is killed, the newest folder with a manifest is whole. docs/checkpoint.md gives the files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string_view>

#include "base/comm/communicator.h"
#include "train/named_tensor.h"

namespace reprise {

/// Beside the tensors. Random numbers and the place in the data follow from the seed and the step.
struct CheckpointRecord {
  int64_t step = 0;  ///< steps done; the next to run
  double elapsed_s = 0;
  int64_t ranks = 1, threads = 1;  ///< bits depend on both
  std::string device = "cpu";      ///< and on this: ComputeDevice::name
  /// [{"first_step", "ranks", "threads", "device"}] of the whole run: one, unless it was resumed on
  /// others.
  nlohmann::json layouts;
  nlohmann::json identity;  ///< {"section": {"key": value}}: what makes it a checkpoint of this run
};

class CheckpointFolder {
 public:
  /// `comm` must outlive it.
  CheckpointFolder(std::filesystem::path folder, Communicator& comm);

  /// Collective. Where any rank fails (full disk) rank 0 logs one warning, the last good checkpoint
  /// stays, and false is returned on all: a run outlives a failed save.
  bool save(const CheckpointRecord& record, const StateShare& state);

  /// The newest checkpoint; none in a fresh folder. Throws kBadInput where its manifest is damaged.
  std::optional<CheckpointRecord> newest() const;

  /// Copies the tensors of `record`, whichever ranks wrote them, into those of `state` that are on
  /// this rank. The names must be those of `state`, and the shapes. Throws kBadInput where a file
  /// is missing or differs from its checksum.
  void restore(const CheckpointRecord& record, const StateShare& state) const;

  std::filesystem::path place_of(int64_t step) const;
  /// The newest complete checkpoint before that of `step`.
  std::optional<int64_t> newest_before(int64_t step) const;
  /// Removes all but that of `step`, and what saves that failed have left; rank 0 does.
  void keep_only(int64_t step);
  /// Of the run that has ended; from rank 0.
  void remove_all();

 private:
  bool all_succeeded(const std::string& my_error, int64_t step);
  nlohmann::json write_share(const std::filesystem::path& place, const StateShare& state) const;
  void commit(const CheckpointRecord& record, const std::vector<std::string>& files) const;
  nlohmann::json read_manifest(int64_t step) const;
  std::vector<int64_t> steps() const;
  std::vector<int64_t> complete_steps() const;

  std::filesystem::path folder_;
  Communicator& comm_;
};

/// Throws kBadInput naming the first key in which the two differ, `whose` the other is, and the
/// option `place` by which ours would lie elsewhere.
void require_same_identity(const nlohmann::json& ours, const nlohmann::json& theirs,
                           const std::string& whose, std::string_view place = "train.out");

}  // namespace reprise
