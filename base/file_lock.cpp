#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

namespace reprise {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::milliseconds kPatience{1500};  // a killed job's ranks take that to end

int open_lock(const fs::path& file) {
  make_folder(fs::absolute(file).parent_path());
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT, 0644);  // inherited: no O_CLOEXEC
  if (descriptor < 0) fail_errno(ExitCode::kFailure, concat("cannot open ", file.string()));
  return descriptor;
}

/// The folders that the lock needs and that are not there, innermost first.
std::vector<fs::path> folders_to_make(const fs::path& file) {
  std::vector<fs::path> folders;
  for (fs::path folder = file.parent_path(); !fs::exists(folder); folder = folder.parent_path())
    folders.push_back(folder);
  return folders;
}

/// Whether `file` is still what was opened: who held it before may have removed it.
bool is_at(const fs::path& file, int descriptor) {
  struct stat opened {
  }, found{};
  return ::fstat(descriptor, &opened) == 0 && ::stat(file.c_str(), &found) == 0 &&
         opened.st_ino == found.st_ino && opened.st_dev == found.st_dev;
}

/// The descriptor of the locked file, or -1 where another process holds it.
int try_lock(const fs::path& file) {
  while (true) {
    const int descriptor = open_lock(file);
    const bool locked = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    const int reason = errno;
    if (locked && is_at(file, descriptor)) return descriptor;
    ::close(descriptor);
    if (locked) continue;
    if (reason == EWOULDBLOCK) return -1;
    errno = reason;
    fail_errno(ExitCode::kFailure, concat("cannot lock ", file.string()));
  }
}

/// For whoever is refused. On a full disk it stays unsaid.
void write_holder(int descriptor) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string holder = concat("process ", ::getpid(), " on ", host.data());
  if (::ftruncate(descriptor, 0) == 0) (void)!::pwrite(descriptor, holder.data(), holder.size(), 0);
}

std::string holder_of(const fs::path& file) {
  std::error_code gone;
  const std::string holder = fs::exists(file, gone) ? read_file(file) : "";
  return holder.empty() ? "" : concat(" (", holder, ")");
}

/// What replace_file() was writing under the name `name`, <file>.tmp.<process>; "" for another
/// name. One that fills its temporary file by another leaves the ending twice.
std::string_view written_as(std::string_view name) {
  const std::string_view mark = ".tmp.";
  std::string_view file;
  while (true) {
    const size_t at = name.rfind(mark);
    if (at == name.npos) return file;
    const std::string_view process = name.substr(at + mark.size());
    if (process.empty() || process.find_first_not_of("0123456789") != process.npos) return file;
    file = name = name.substr(0, at);
  }
}

/// Those of files that are `wanted`. What cannot be removed harms nobody.
void remove_temporaries(const fs::path& folder,
                        const std::function<bool(std::string_view)>& wanted) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const std::string_view file = written_as(name);
    if (!file.empty() && wanted(file)) fs::remove(entry.path(), ignored);
  }
}

}  // namespace

FileLock::FileLock(const fs::path& file, const std::string& place,
                   std::chrono::milliseconds patience, Leave leave)
    : file_(fs::absolute(file)), made_folders_(folders_to_make(file_)), leave_(leave) {
  const auto start = std::chrono::steady_clock::now();
  bool told = false;
  while ((descriptor_ = try_lock(file_)) < 0) {
    const auto waited = std::chrono::steady_clock::now() - start;
    if (patience > kPatience && waited > kPatience && !std::exchange(told, true))
      log::info("waits for another run", holder_of(file_), " in ", place, " to end");
    if (waited > patience)
      fail(ExitCode::kFailure, "another run", holder_of(file_), " works in ", place,
           "; wait for it or name another place");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  write_holder(descriptor_);
}

FileLock::FileLock(FileLock&& other) noexcept
    : file_(std::move(other.file_)),
      made_folders_(std::move(other.made_folders_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      leave_(other.leave_) {}

FileLock::~FileLock() {
  if (descriptor_ < 0) return;
  if (leave_ == Leave::kNothing) ::unlink(file_.c_str());
  if (leave_ == Leave::kNothing)
    for (const fs::path& folder : made_folders_) ::rmdir(folder.c_str());  // if empty
  ::close(descriptor_);
}

FileLock lock_folder(const fs::path& folder) {
  const fs::path place = place_of(folder);
  FileLock lock(place / "lock", folder.string(), kPatience, FileLock::Leave::kNothing);
  remove_temporaries(place, [](std::string_view) { return true; });
  return lock;
}

FileLock lock_output(const fs::path& output, std::span<const std::string_view> endings) {
  const fs::path place = place_of(output);
  FileLock lock(place.string() + ".lock", output.string(), kPatience, FileLock::Leave::kNothing);
  const std::string name = place.filename().string();
  remove_temporaries(place.parent_path(), [&](std::string_view file) {
    return file.starts_with(name) &&
           (file == name || std::ranges::count(endings, file.substr(name.size())));
  });
  return lock;
}

}  // namespace reprise
