// One run at a time in a study's folder.
#pragma once

#include <filesystem>

namespace reprise {

/// Holds <folder>/lock. Processes started meanwhile inherit it: it is free again when the last of
/// them is gone, even where this one was killed.
class FolderLock {
 public:
  /// Waits a few seconds for the ranks of a run that was just killed; then throws kFailure.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace reprise
