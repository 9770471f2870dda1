// What the corpus of a study is made from, in one word.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

namespace reprise {

struct SourceDigest {
  /// SHA-256, in hex, of domain, name within its source and contents of every file, and of the
  /// tokenizer's contents.
  std::string digest;
  /// {path: {"bytes", "inode", "changed_ns", "sha256"}}: what need not be read again.
  nlohmann::json files = nlohmann::json::object();
};

/// Of every file under `paths` ("domain:path" or "path") and the file `tokenizer`, which may be "".
/// Reads those that `known`, the `files` of
/// an earlier digest, does not hold with the same length, inode and time of last change (ctime,
/// which no copy sets back). Throws kBadInput where a path is not there or cannot be read.
SourceDigest digest_of_sources(std::span<const std::string> paths, const std::string& tokenizer,
                               const nlohmann::json& known);

/// Where a study's folder keeps `files`. Null where there is none that can be read.
nlohmann::json read_known_files(const std::filesystem::path& out);
void write_known_files(const std::filesystem::path& out, const nlohmann::json& files);

}  // namespace reprise
