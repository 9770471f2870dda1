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

/// Puts `fresh` where `folder` is. Two folders change places in one step, so that no moment has
/// neither.
void put_in_place(const fs::path& fresh, const fs::path& folder) {
  const bool replaces = fs::exists(folder);
  const unsigned how = replaces ? RENAME_EXCHANGE : RENAME_NOREPLACE;
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, folder.c_str(), how) != 0)
    fail_errno(ExitCode::kFailure,
               concat("cannot put ", fresh.string(), " in the place of ", folder.string()));
  if (replaces) remove_folder(fresh);
}

}  // namespace

void replace_folder(const fs::path& folder, const std::function<void(const fs::path&)>& write) {
  const fs::path place = fs::absolute(folder / "").parent_path();  // without a trailing slash
  const fs::path partial = concat(place.string(), ".partial");
  remove_folder(partial);
  make_folder(partial);
  try {
    write(partial);
    sync_folder(partial);
    put_in_place(partial, place);
    sync_folder(place.parent_path());
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw;
  }
}

}  // namespace reprise
