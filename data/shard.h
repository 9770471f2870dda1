// Token shards in the format of the public 16 MB challenge: 256 little-endian int32 of header ([0]
// = 20240520, [1] = 1, [2] = number of tokens, the rest 0), then the tokens as little-endian
// uint16.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "data/tokenizer.h"

namespace reprise {

inline constexpr int64_t kMostShardTokens = std::numeric_limits<int32_t>::max();

/// A shard mapped read-only. Throws kBadInput where the header is another or the length is not what
/// it says.
class Shard {
 public:
  explicit Shard(const std::filesystem::path& path);
  std::span<const Token> tokens() const { return tokens_; }
  std::string digest() const;  ///< SHA-256 of the file, in hex; reads all of it
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  MappedFile file_;
  std::span<const Token> tokens_;
};

/// Writes documents into <folder>/<stem>_NNNNNN.bin, closing a shard where the next document would
/// take it beyond `shard_tokens`; a longer document has a shard of its own. The open shard is held
/// in memory.
class ShardWriter {
 public:
  ShardWriter(std::filesystem::path folder, std::string stem, int64_t shard_tokens);
  /// The tokens without begin-of-document, which goes before them here. Returns its position in the
  /// stream.
  int64_t add(std::span<const Token> document);
  void finish();  ///< writes the open shard

  int64_t tokens() const { return tokens_; }
  /// SHA-256 of each shard, in hex.
  const std::vector<std::string>& digests() const { return digests_; }

 private:
  int64_t open_tokens() const;
  std::filesystem::path folder_;
  std::string stem_, open_;
  int64_t shard_tokens_, tokens_ = 0;
  std::vector<std::string> digests_;
};

/// "train_000000.bin" for ("train", 0).
std::string shard_name(const std::string& stem, int64_t number);

}  // namespace reprise
