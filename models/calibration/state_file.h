// A measuring as far as it has come, in one file of arrays (base/safetensors.h): what goes on after
// a kill, and, where it is complete, what is not measured again. docs/calibration.md lists the
// arrays.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "models/calibration/sums.h"

namespace reprise {

struct UseState {
  int64_t groups = 0;  ///< of windows that are summed, from the first
  std::vector<double> sums;
};

/// The file's state; one of no groups and of zeros where there is no file, or one of another `key`,
/// which is then told in the log, since it will be written over. Throws kBadInput where the file is
/// damaged, or not such a file.
UseState read_use_state(const std::filesystem::path& path, const UseLayout& layout,
                        const std::string& key);

/// Reads Hessians from the file, one at a time, so that none of them need stay in memory; null
/// where it does not hold the whole of this measuring. What was open stays as it is though the file
/// is written anew.
TriangleSource triangles_of_file(const std::filesystem::path& path, const std::string& key,
                                 int64_t groups);

/// Whole or not at all; throws kFailure.
void write_use_state(const std::filesystem::path& path, const UseLayout& layout,
                     const std::string& key, const UseState& state);

}  // namespace reprise
