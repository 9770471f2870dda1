// Files that are either whole or absent.
//
// Everything the project leaves on disk is written to a temporary name beside its place, flushed,
// synced, renamed, and the folder synced: a run that is killed, or a disk that is full, leaves the
// old file or none. Where the place is a symbolic link, all this happens where the link leads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace reprise {

/// The whole file; throws kBadInput naming the path where it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// read_file() of text; throws kBadInput, naming the byte, where that is not UTF-8.
std::string read_text(const std::filesystem::path& path);

/// Writes `bytes` to `path` by the rule above; throws kFailure (full disk, no permission) and
/// leaves nothing.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// The rule for files a library writes: `write` fills the temporary path it is given; the rest
/// happens here. Whatever it throws passes through after the temporary file is removed.
void replace_file(const std::filesystem::path& path,
                  const std::function<void(const std::filesystem::path&)>& write);

/// Appends one line and syncs it: for ledgers, whose finished lines survive a kill.
void append_line(const std::filesystem::path& path, std::string_view line);

/// Returns when the file or folder `path` would survive a loss of power; throws kFailure. For a
/// folder: its entries.
void sync_to_disk(const std::filesystem::path& path);

/// create_directories with this project's errors.
void make_folder(const std::filesystem::path& path);

/// Where `path` leads: absolute, without a trailing slash, links resolved, even one to what is not
/// there yet. Throws kUsage for links that lead in a circle.
std::filesystem::path place_of(const std::filesystem::path& path);

/// Whether `inner` is `outer` or lies below it, links resolved.
bool is_within(const std::filesystem::path& inner, const std::filesystem::path& outer);

enum class OutputKind { kFile, kFolder };

/// Before any work, for every output: throws kUsage, naming `option`, where no `kind` can come to
/// lie at `path`: it names none, what it would lie in is no folder, or something else (a folder, a
/// device) is there already; or where it would take the place of one of `inputs` or lie within.
void require_place_for(const std::filesystem::path& path, std::string_view option, OutputKind kind,
                       std::span<const std::filesystem::path> inputs = {});

/// A file mapped read-only for as long as this lives. Move-only.
class MappedFile {
 public:
  explicit MappedFile(
      const std::filesystem::path& path);  ///< throws kBadInput where it is missing or empty
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  std::span<const uint8_t> bytes() const { return {data_, size_}; }
  /// Gives back the memory of what was read; bytes() stay good, and are read again when looked at.
  void forget() const;

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace reprise
