#include "launch/study/sources.h"

#include <sys/stat.h>

#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_text.h"
#include "base/parallel.h"
#include "data/source.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kMemory = "sources.json";

/// What changes with a file, and its digest: from `known` where nothing of that did.
json look_at(const fs::path& path, const json& known) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    fail_errno(ExitCode::kBadInput, concat("cannot stat ", path.string()));
  const int64_t changed_ns =
      int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec;
  json file{{"bytes", status.st_size}, {"inode", status.st_ino}, {"changed_ns", changed_ns}};
  json before = known.is_object() ? known.value(path.string(), json()) : json();
  const std::string digest = text_at(before, "sha256");
  if (before.is_object()) before.erase("sha256");
  file["sha256"] = before == file && !digest.empty() ? digest : to_hex(sha256_file(path));
  return file;
}

/// What a file is called within its source; of a source that is one file, that file's name.
std::string name_within(const fs::path& file, const std::string& description) {
  const fs::path below = file.lexically_relative(path_of_source(description));
  return (below == "." ? file.filename() : below).string();
}

}  // namespace

SourceDigest digest_of_sources(std::span<const std::string> paths, const std::string& tokenizer,
                               const json& known) {
  SourceDigest result;
  Sha256Stream digest;
  for (const auto& description : paths) {
    const NamedSource source = find_source(description);
    const auto files = parallel_map(source.files.size(),
                                    [&](size_t i) { return look_at(source.files[i], known); });
    for (size_t i = 0; i < files.size(); ++i) {
      digest.update(concat(source.domain, '\n', name_within(source.files[i], description), '\n',
                           files[i]["sha256"].get_ref<const std::string&>(), '\n'));
      result.files[source.files[i].string()] = files[i];
    }
  }
  if (!tokenizer.empty()) {
    result.files[tokenizer] = look_at(tokenizer, known);
    digest.update(result.files[tokenizer]["sha256"].get_ref<const std::string&>());
  }
  result.digest = to_hex(digest.finish());
  return result;
}

json read_known_files(const fs::path& out) {
  if (!fs::exists(out / kMemory)) return nullptr;
  json files = json::parse(read_file(out / kMemory), nullptr, /*allow_exceptions=*/false);
  return files.is_object() ? files : json(nullptr);
}

void write_known_files(const fs::path& out, const json& files) {
  make_folder(out);
  // Names need not be UTF-8; a file that is not found under its own is read again.
  write_file(out / kMemory, files.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace reprise
