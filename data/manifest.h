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
inline constexpr int64_t kManifestSchema = 1;

/// SHA-256 over the documents' hashes, in order, in hex.
std::string digest_of(const std::vector<Document>& documents);

}  // namespace reprise
