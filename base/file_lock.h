// One run at a time where a command writes.
#pragma once

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// Holds a lock of the operating system (flock) on a file, which is made, with its folder, where it
/// is not there. However the process ends, the lock is free again; not so while a process it
/// started lives, which inherits it. Held on one machine or over a network's file system that knows
/// flock.
class FileLock {
 public:
  /// At the end: the file, where children may hold it still; or nothing, not even the folders
  /// that were made for it and that nobody wrote into.
  enum class Leave { kFile, kNothing };

  /// Waits up to `patience` for a run that is just ending; then throws kFailure: another run works
  /// in `place`, its process and machine, `place` being how the reader knows what is locked.
  FileLock(const std::filesystem::path& file, const std::string& place,
           std::chrono::milliseconds patience, Leave leave);
  FileLock(FileLock&& other) noexcept;
  ~FileLock();
  FileLock& operator=(FileLock&&) = delete;

 private:
  std::filesystem::path file_;
  std::vector<std::filesystem::path> made_folders_;
  int descriptor_ = -1;  ///< -1 where it was moved from
  Leave leave_;
};

/// For a command whose results are the files in `folder`: locks <folder>/lock, then removes what
/// killed runs left there of files they were writing.
FileLock lock_folder(const std::filesystem::path& folder);

/// For a command whose result is `output`, and with it `output` + each of `endings`: locks
/// <output>.lock beside it, then removes what killed runs left of these.
FileLock lock_output(const std::filesystem::path& output,
                     std::span<const std::string_view> endings = {});

}  // namespace reprise
