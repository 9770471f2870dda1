#include "launch/study/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/error.h"

namespace reprise {

FolderLock::FolderLock(const std::filesystem::path& folder) {
  const auto path = folder / "lock";
  descriptor_ = open(path.c_str(), O_RDWR | O_CREAT, 0644);  // inherited: no O_CLOEXEC
  if (descriptor_ < 0) fail_errno(ExitCode::kFailure, concat("cannot open ", path.string()));
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(15);
  while (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() > patience) {
      close(descriptor_);
      fail(ExitCode::kFailure, "another run works in ", folder.string(),
           "; wait for it or give another --study.out");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

FolderLock::~FolderLock() { close(descriptor_); }

}  // namespace reprise
