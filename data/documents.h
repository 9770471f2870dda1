// Which documents a corpus holds, and in which split: a pure function of their texts and the
// options, not of the order in which files lie on a disk.
//
// A document is its text after --data.max-document-bytes cut it, named by that text's SHA-256. Of
// equal texts one is kept, in the domain whose name sorts first. Its hash says its split, and
// documents are kept in the order of their hash.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/corpus.h"
#include "data/options.h"
#include "data/source.h"

namespace reprise {

struct FoundDocument {
  Sha256 hash{};
  int64_t bytes = 0;
  uint32_t file = 0, domain = 0;  ///< into DocumentPool's files and domains
  DocumentPlace place;
};

/// What was found and not kept.
struct LeftOut {
  int64_t found = 0;         ///< documents in the sources
  int64_t empty = 0;         ///< without any text
  int64_t duplicates = 0;    ///< equal to one that was kept
  int64_t beyond_limit = 0;  ///< past --data.max-bytes of their domain
  int64_t cut = 0;           ///< longer than --data.max-document-bytes
  int64_t cut_bytes = 0;     ///< by so much in all
};

class DocumentPool {
 public:
  /// Scans every source. `tokenizer` decodes shards and may be null. Throws kBadInput on any file
  /// that cannot be read whole, and where a split with a share is left without a document.
  DocumentPool(const DataOptions& options, const Tokenizer* tokenizer);

  const std::vector<FoundDocument>& documents(Split split) const {
    return splits_[static_cast<size_t>(split)];
  }
  const std::vector<std::string>& domains() const { return domains_; }  ///< sorted
  const LeftOut& left_out() const { return left_out_; }

  /// The document's text, read and cut again; throws kBadInput where it is not what it was. Any
  /// thread may call.
  std::string text(const FoundDocument& document) const;
  /// The file it came from, for messages.
  std::string origin(const FoundDocument& document) const { return paths_[document.file].string(); }

 private:
  std::vector<FoundDocument> scan();
  void drop_duplicates(std::vector<FoundDocument>& documents);
  void drop_beyond_limit(std::vector<FoundDocument>& documents);
  void deal(const std::vector<FoundDocument>& documents);

  DataOptions options_;
  std::vector<std::string> domains_;
  std::vector<std::filesystem::path> paths_;
  std::vector<uint32_t> domain_of_file_;
  std::vector<std::unique_ptr<SourceFile>> files_;
  std::array<std::vector<FoundDocument>, 3> splits_;
  LeftOut left_out_;
};

/// The split of a document: the last eight bytes of its hash, read as a number in [0, 1), against
/// the shares; test comes first, then valid. The last, since the first give the order in which
/// --data.max-bytes takes documents.
Split split_of(const Sha256& hash, double valid_share, double test_share);

}  // namespace reprise
