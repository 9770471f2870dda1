// Where documents come from: text files (one document each), JSON lines with a `text` field (one a
// line), token shards (one behind each begin-of-document). What a file is, its name's ending says:
// .jsonl, .bin, anything else is text.
//
// A corpus is read twice: scan() to hash every document, text() for those chosen, in the order in
// which they are stored. So only one document's text is in memory at a time, whatever the size of
// the source.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/tokenizer.h"

namespace reprise {

/// A document's place in its file: bytes of a text or of a line, tokens of a shard.
struct DocumentPlace {
  int64_t offset = 0, length = 0;
};

class SourceFile {
 public:
  using Visit = std::function<void(const DocumentPlace&, std::string text)>;
  virtual ~SourceFile() = default;
  /// Every document from front to back, in valid UTF-8. Throws kBadInput naming the file and the
  /// line or byte.
  virtual void scan(const Visit& visit) const = 0;
  /// One document again. May be called by several threads.
  virtual std::string text(const DocumentPlace& place) const = 0;
};

struct NamedSource {
  std::string domain;
  std::vector<std::filesystem::path> files;
};

/// What "[domain:]path" names.
std::filesystem::path path_of_source(const std::string& description);

/// Reads "[domain:]path" and lists the files below, sorted; names that start with a dot are passed
/// over. The domain is the path's last name without its ending unless given. Throws kBadInput where
/// nothing is there, and for what is neither file nor folder: a link to a folder, a pipe.
NamedSource find_source(const std::string& description);

/// `tokenizer` decodes shards, and only those need one; it must outlive the file.
std::unique_ptr<SourceFile> open_source_file(const std::filesystem::path& path,
                                             const Tokenizer* tokenizer);

}  // namespace reprise
