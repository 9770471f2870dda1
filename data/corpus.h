// What `reprise data` wrote, opened for reading: token shards in the challenge's format, an HDF5
// index of documents, the tokenizer. docs/corpus.md gives the files byte for byte.
//
// A document is begin-of-document (id 1) and its tokens, and lies inside one shard. Its bytes are
// those of its text: the sum of Tokenizer::bytes over its tokens, checked when it was written.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/options.h"
#include "base/units.h"
#include "data/tokenizer.h"

namespace reprise {

enum class Split { kTrain, kValid, kTest };
template <>
struct EnumNames<Split> {
  static constexpr std::array names{std::pair{Split::kTrain, "train"},
                                    std::pair{Split::kValid, "valid"},
                                    std::pair{Split::kTest, "test"}};
};

struct Document {
  int64_t first_token = 0;  ///< position of its begin-of-document in the split's token stream
  int64_t tokens = 0;       ///< begin-of-document included
  Bytes bytes;              ///< of its text
  int64_t domain = 0;       ///< index into Corpus::domains()
  Sha256 hash{};            ///< of its text as read from the source (cut, not yet normalised)
};

class Corpus {
 public:
  /// Throws kBadInput where a file is missing, truncated or not what the index says. Of shards only
  /// header and length are read: check_shards() reads what they hold.
  explicit Corpus(const std::filesystem::path& folder);
  Corpus(Corpus&&) noexcept;
  ~Corpus();

  const std::vector<Document>& documents(Split split) const;
  /// `count` tokens of the split's stream (all its shards, end to end) from `first`, copied into
  /// `out`.
  void read(Split split, int64_t first, std::span<Token> out) const;
  int64_t tokens(Split split) const;

  const std::vector<std::string>& domains() const;
  const Tokenizer& tokenizer() const;
  /// How often each token occurs in the train split.
  const std::vector<int64_t>& train_counts() const;
  /// SHA-256 over the split's document hashes and its shards' digests: names the text and its
  /// tokens.
  std::string digest(Split split) const;

  /// Whoever reads a split calls this first: hashes each `step`-th of its shards from number
  /// `first` on, so that ranks share the work. Throws kBadInput where a file is not the one that
  /// the manifest names. About a second for one or two gigabytes.
  void check_shards(Split split, int64_t first, int64_t step) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise
