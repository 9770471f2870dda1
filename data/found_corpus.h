// What lies where a corpus is to be made: that very corpus, another, or none.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "data/documents.h"

namespace reprise {

/// SHA-256, in hex, of what a corpus is made from: the documents of each split with their domains,
/// and the tokenizer that was given, by its digest ("" where it is trained).
std::string digest_of(const DocumentPool& pool, const std::string& tokenizer);

/// Whether a corpus, or what is left of a damaged one, lies there.
bool holds_corpus(const std::filesystem::path& folder);

class FoundCorpus {
 public:
  /// A manifest that cannot be read counts as none.
  explicit FoundCorpus(std::string folder);

  /// Throws kUsage where the corpus was made with other options; where text, tokenizer and corpus
  /// lie is none.
  void require_options(const nlohmann::json& config) const;
  /// Whether the corpus is there whole, which the log is told; a damaged one is none, with a
  /// warning. Throws kUsage where it is of another source, `source` being digest_of().
  bool is_whole(const std::string& source) const;

  /// Before the folder is replaced. Throws kUsage where it holds anything that is not a corpus's.
  void require_nothing_else() const;

  const nlohmann::json& manifest() const { return manifest_; }  ///< null where there is no corpus

 private:
  std::string folder_;
  nlohmann::json manifest_;
};

}  // namespace reprise
