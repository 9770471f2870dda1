#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace reprise {
namespace fs = std::filesystem;
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, mode_t mode = 0644)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

void write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_errno(ExitCode::kFailure, concat("cannot write ", path.string()));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || fs::is_directory(path)) {
    if (fs::is_directory(path)) errno = EISDIR;
    fail_errno(ExitCode::kBadInput, concat("cannot open ", path.string()));
  }
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad()) fail_errno(ExitCode::kBadInput, concat("cannot read ", path.string()));
  return std::move(text).str();
}

std::string read_text(const fs::path& path) {
  std::string text = read_file(path);
  const size_t bad = first_invalid_utf8(text);
  require(bad == text.npos, ExitCode::kBadInput, path.string(), ": not UTF-8 at byte ", bad);
  return text;
}

void sync_to_disk(const fs::path& path) {
  const Descriptor fd(path, O_RDONLY);
  if (!fd || ::fsync(fd.get()) != 0)
    fail_errno(ExitCode::kFailure, concat("cannot sync ", path.string()));
}

void replace_file(const fs::path& path, const std::function<void(const fs::path&)>& write) {
  const fs::path place = place_of(path);
  const fs::path temporary = concat(place.string(), ".tmp.", ::getpid());
  try {
    write(temporary);
    sync_to_disk(temporary);
    if (::rename(temporary.c_str(), place.c_str()) != 0)
      fail_errno(ExitCode::kFailure, concat("cannot rename ", temporary.string()));
    sync_to_disk(place.parent_path());
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void write_file(const fs::path& path, std::string_view bytes) {
  replace_file(path, [&](const fs::path& temporary) {
    const Descriptor fd(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (!fd) fail_errno(ExitCode::kFailure, concat("cannot create ", path.string()));
    write_all(fd.get(), bytes, path);
  });
}

void append_line(const fs::path& path, std::string_view line) {
  const Descriptor fd(path, O_WRONLY | O_CREAT | O_APPEND);
  if (!fd) fail_errno(ExitCode::kFailure, concat("cannot open ", path.string()));
  write_all(fd.get(), concat(line, '\n'), path);
  if (::fsync(fd.get()) != 0) fail_errno(ExitCode::kFailure, concat("cannot sync ", path.string()));
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  require(!error, ExitCode::kFailure, "cannot create the folder ", path.string(), ": ",
          error.message());
}

fs::path place_of(const fs::path& path) {
  constexpr int kMostLinks = 40;  // as many as Linux follows
  fs::path place = fs::absolute(path / "").parent_path();
  std::error_code error;
  for (int links = 0; fs::is_symlink(fs::symlink_status(place, error)); ++links) {
    require(links < kMostLinks, ExitCode::kUsage, path.string(), ": links that lead in a circle");
    place = (place.parent_path() / fs::read_symlink(place, error) / "").parent_path();
  }
  const fs::path resolved = fs::weakly_canonical(place, error);
  return error ? place.lexically_normal() : resolved;
}

bool is_within(const fs::path& inner, const fs::path& outer) {
  const fs::path between = place_of(inner).lexically_relative(place_of(outer));
  return !between.empty() && *between.begin() != "..";
}

void require_place_for(const fs::path& path, std::string_view option, OutputKind kind,
                       std::span<const fs::path> inputs) {
  const auto refuse_unless = [&](bool holds, const auto&... why) {
    require(holds, ExitCode::kUsage, option, " ", path.string(), ": ", why...,
            "; name another place");
  };
  const bool file = kind == OutputKind::kFile;
  refuse_unless(!file || path.has_filename(), "a folder, where a file is written");
  const fs::path place = place_of(path);
  fs::path home = place.parent_path();
  std::error_code error;  // "not a directory": then a parent of it is the file
  while (!fs::exists(home, error) && home.has_relative_path()) home = home.parent_path();
  refuse_unless(fs::is_directory(home, error), home.string(), " is no folder");
  const auto there = fs::status(place, error).type();
  const auto wanted = file ? fs::file_type::regular : fs::file_type::directory;
  refuse_unless(there == fs::file_type::not_found || there == wanted, place.string(),
                !file                               ? " is no folder"
                : there == fs::file_type::directory ? " is a folder"
                                                    : " is no regular file");
  for (const fs::path& input : inputs)
    refuse_unless(!is_within(place, input), "it would be written over ", input.string(),
                  ", which is read");
}

MappedFile::MappedFile(const fs::path& path) {
  const Descriptor fd(path, O_RDONLY);
  if (!fd) fail_errno(ExitCode::kBadInput, concat("cannot open ", path.string()));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0)
    fail_errno(ExitCode::kBadInput, concat("cannot stat ", path.string()));
  require(status.st_size > 0, ExitCode::kBadInput, path.string(), ": the file is empty");
  void* data =
      ::mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) fail_errno(ExitCode::kBadInput, concat("cannot map ", path.string()));
  data_ = static_cast<const uint8_t*>(data);
  size_ = static_cast<size_t>(status.st_size);
}

void MappedFile::forget() const {
  ::madvise(const_cast<uint8_t*>(data_), size_, MADV_DONTNEED);  // NOLINT: only pages are dropped
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<uint8_t*>(data_), size_);
}

}  // namespace reprise
