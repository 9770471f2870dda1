#include "data/shard.h"

#include <bit>
#include <cstring>

#include "base/digest.h"
#include "base/error.h"

namespace reprise {
namespace {

static_assert(std::endian::native == std::endian::little, "shards are mapped as they lie on disk");

constexpr int32_t kMagic = 20240520, kVersion = 1;
constexpr size_t kHeaderBytes = 256 * sizeof(int32_t);

int32_t header_word(std::span<const uint8_t> file, size_t index) {
  int32_t word = 0;
  std::memcpy(&word, file.data() + index * sizeof word, sizeof word);
  return word;
}

std::span<const Token> checked_tokens(const std::filesystem::path& path,
                                      std::span<const uint8_t> file) {
  require(file.size() >= kHeaderBytes, ExitCode::kBadInput, path.string(), ": ", file.size(),
          " bytes, shorter than a shard's header of ", kHeaderBytes);
  const int32_t magic = header_word(file, 0), version = header_word(file, 1),
                count = header_word(file, 2);
  require(magic == kMagic && version == kVersion, ExitCode::kBadInput, path.string(),
          ": the header says ", magic, ", version ", version, "; a token shard has ", kMagic,
          ", version ", kVersion);
  require(count >= 0 && file.size() == kHeaderBytes + sizeof(Token) * static_cast<size_t>(count),
          ExitCode::kBadInput, path.string(), ": ", file.size(), " bytes, but the header says ",
          count, " tokens of 2 bytes behind ", kHeaderBytes, "; truncated?");
  return {reinterpret_cast<const Token*>(file.data() + kHeaderBytes), static_cast<size_t>(count)};
}

void append_tokens(std::string& bytes, std::span<const Token> tokens) {
  bytes.append(reinterpret_cast<const char*>(tokens.data()), tokens.size_bytes());
}

}  // namespace

Shard::Shard(const std::filesystem::path& path)
    : path_(path), file_(path), tokens_(checked_tokens(path_, file_.bytes())) {}

std::string Shard::digest() const {
  const auto bytes = file_.bytes();
  return to_hex(sha256({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

std::string shard_name(const std::string& stem, int64_t number) {
  const std::string digits = concat(number);
  const size_t zeros = digits.size() < 6 ? 6 - digits.size() : 0;
  return concat(stem, '_', std::string(zeros, '0'), digits, ".bin");
}

ShardWriter::ShardWriter(std::filesystem::path folder, std::string stem, int64_t shard_tokens)
    : folder_(std::move(folder)), stem_(std::move(stem)), shard_tokens_(shard_tokens) {}

int64_t ShardWriter::open_tokens() const {
  return open_.empty() ? 0 : static_cast<int64_t>((open_.size() - kHeaderBytes) / sizeof(Token));
}

int64_t ShardWriter::add(std::span<const Token> document) {
  const int64_t count = 1 + static_cast<int64_t>(document.size());
  if (open_tokens() > 0 && open_tokens() + count > shard_tokens_) finish();
  if (open_.empty()) open_.assign(kHeaderBytes, '\0');
  append_tokens(open_, {&kBeginOfDocument, 1});
  append_tokens(open_, document);
  const int64_t first = tokens_;
  tokens_ += count;
  return first;
}

void ShardWriter::finish() {
  if (open_.empty()) return;
  const int64_t count = open_tokens();
  require(count <= kMostShardTokens, ExitCode::kBadInput, "a document of ", count,
          " tokens does not fit a shard; set --data.max-document-bytes");
  const int32_t header[] = {kMagic, kVersion, static_cast<int32_t>(count)};
  std::memcpy(open_.data(), header, sizeof header);
  write_file(folder_ / shard_name(stem_, std::ssize(digests_)), open_);
  digests_.push_back(to_hex(sha256(open_)));
  open_.clear();
}

}  // namespace reprise
