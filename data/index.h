// index.h5: the documents of a corpus, a group a split, and how often each token occurs in the
// train split. docs/corpus.md lists its datasets.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "data/corpus.h"

namespace reprise {

inline constexpr std::array kSplits{Split::kTrain, Split::kValid, Split::kTest};

struct CorpusIndex {
  std::array<std::vector<Document>, kSplits.size()> documents;  ///< by Split
  std::vector<std::string> domains;
  std::vector<int64_t> train_counts;  ///< by token, begin-of-document included
};

void write_index(const std::filesystem::path& path, const CorpusIndex& index);

/// Throws kBadInput where the file is damaged, or its documents do not lie end to end.
CorpusIndex read_index(const std::filesystem::path& path);

}  // namespace reprise
