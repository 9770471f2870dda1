#include "data/folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

namespace reprise {
namespace fs = std::filesystem;
namespace {

void sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!synced) fail_errno(ExitCode::kFailure, concat("cannot sync ", folder.string()));
}

void remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  require(!error, ExitCode::kFailure, "cannot remove ", folder.string(), ": ", error.message());
}

bool rename_folder(const fs::path& from, const fs::path& to, unsigned how) {
  return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), how) == 0;
}

/// Puts `fresh` where `folder` is. Two folders change places in one step, so that no moment has
/// neither; on file systems that know only plain renames (some network's) in two, the old one aside
/// first.
void put_in_place(const fs::path& fresh, const fs::path& folder, const fs::path& aside) {
  const bool replaces = fs::exists(folder);
  bool placed = rename_folder(fresh, folder, replaces ? RENAME_EXCHANGE : RENAME_NOREPLACE);
  if (!placed && (errno == EINVAL || errno == ENOSYS))
    placed = (!replaces || ::rename(folder.c_str(), aside.c_str()) == 0) &&
             ::rename(fresh.c_str(), folder.c_str()) == 0;
  if (!placed)
    fail_errno(ExitCode::kFailure,
               concat("cannot put ", fresh.string(), " in the place of ", folder.string()));
  remove_folder(fresh);
  remove_folder(aside);
}

}  // namespace

void replace_folder(const fs::path& folder, const std::function<void(const fs::path&)>& write) {
  const fs::path place = place_of(folder);
  const fs::path partial = concat(place.string(), ".partial");
  const fs::path aside = concat(place.string(), ".replaced");
  remove_folder(partial);
  remove_folder(aside);
  make_folder(partial);
  try {
    write(partial);
    sync_folder(partial);
    put_in_place(partial, place, aside);
    sync_folder(place.parent_path());
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw;
  }
}

}  // namespace reprise
