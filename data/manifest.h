// The names of a corpus folder's files, and what names its text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/corpus.h"

namespace reprise {

inline constexpr const char* kManifestName = "corpus.json";
inline constexpr const char* kIndexName = "index.h5";
inline constexpr const char* kTokenizerName = "tokenizer.model";
inline constexpr int64_t kManifestSchema = 2;

/// SHA-256, in hex, over the documents' hashes and the shards' digests as they are written in hex,
/// in order: the text, and the tokens it became.
std::string digest_of(const std::vector<Document>& documents,
                      const std::vector<std::string>& shards);

}  // namespace reprise
