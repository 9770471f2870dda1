#include "data/corpus.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/json_text.h"
#include "data/index.h"
#include "data/manifest.h"
#include "data/shard.h"

namespace reprise {
namespace fs = std::filesystem;
namespace {

using Digests = std::vector<std::string>;

/// One split's shards, end to end.
struct Stream {
  std::vector<Shard> shards;
  std::vector<int64_t> ends;  ///< position behind the last token of each shard
  Digests digests;            ///< of the shards, as the manifest has them
  int64_t tokens() const { return ends.empty() ? 0 : ends.back(); }
};

nlohmann::json read_manifest(const fs::path& folder) {
  const fs::path path = folder / kManifestName;
  require(fs::exists(path), ExitCode::kBadInput, folder.string(), ": no corpus here (no ",
          kManifestName, "); make one with reprise data");
  try {
    auto manifest = nlohmann::json::parse(read_file(path));
    const auto schema = manifest.at("schema").get<int64_t>();
    require(schema == kManifestSchema, ExitCode::kBadInput, path.string(), ": schema ", schema,
            "; this program reads ", kManifestSchema, "; make the corpus again");
    return manifest;
  } catch (const nlohmann::json::exception&) {
    fail(ExitCode::kBadInput, path.string(), ": not a corpus manifest");
  }
}

/// Of the split's shards, in their order.
Digests shard_digests(const fs::path& folder, const nlohmann::json& manifest, Split split) {
  try {
    return manifest.at("splits").at(std::string(enum_name(split))).at("shard_sha256");
  } catch (const nlohmann::json::exception&) {
    fail(ExitCode::kBadInput, (folder / kManifestName).string(), ": no digests of the shards of ",
         enum_name(split), "; make the corpus again");
  }
}

/// Checks the file against the manifest before anything parses it.
void check_digest(const fs::path& path, const nlohmann::json& manifest, const char* key) {
  const std::string expected = text_at(manifest, key);
  require(to_hex(sha256_file(path)) == expected, ExitCode::kBadInput, path.string(),
          ": not the file the manifest names (SHA-256 differs); make the corpus again");
}

Stream open_stream(const fs::path& folder, Split split, const std::vector<Document>& documents,
                   Digests digests) {
  const std::string stem(enum_name(split));
  const int64_t expected =
      documents.empty() ? 0 : documents.back().first_token + documents.back().tokens;
  Stream stream;
  stream.digests = std::move(digests);
  while (stream.tokens() < expected) {
    stream.shards.emplace_back(folder /
                               shard_name(stem, static_cast<int64_t>(stream.shards.size())));
    const auto count = static_cast<int64_t>(stream.shards.back().tokens().size());
    require(count > 0, ExitCode::kBadInput, stream.shards.back().path().string(),
            ": a shard without tokens");
    stream.ends.push_back(stream.tokens() + count);
  }
  require(stream.tokens() == expected, ExitCode::kBadInput, folder.string(), ": the ", stem,
          " shards hold ", stream.tokens(), " tokens, the index names ", expected,
          "; make the corpus again");
  require(stream.shards.size() == stream.digests.size(), ExitCode::kBadInput, folder.string(), ": ",
          stream.shards.size(), " shards of ", stem, ", but ", kManifestName, " names ",
          stream.digests.size(), "; make the corpus again");
  return stream;
}

}  // namespace

struct Corpus::State {
  fs::path folder;
  Tokenizer tokenizer;
  CorpusIndex index;
  std::array<Stream, kSplits.size()> streams;
};

Corpus::Corpus(const fs::path& folder) {
  const auto manifest = read_manifest(folder);
  check_digest(folder / kTokenizerName, manifest, "tokenizer_sha256");
  check_digest(folder / kIndexName, manifest, "index_sha256");
  state_ = std::make_unique<State>(
      State{folder, Tokenizer::load(folder / kTokenizerName), read_index(folder / kIndexName), {}});
  require(static_cast<int64_t>(state_->index.train_counts.size()) == state_->tokenizer.vocab(),
          ExitCode::kBadInput, folder.string(), ": the index counts another tokenizer's pieces");
  for (const Split split : kSplits)
    state_->streams[static_cast<size_t>(split)] =
        open_stream(folder, split, documents(split), shard_digests(folder, manifest, split));
}

Corpus::Corpus(Corpus&&) noexcept = default;
Corpus::~Corpus() = default;

const std::vector<Document>& Corpus::documents(Split split) const {
  return state_->index.documents[static_cast<size_t>(split)];
}

void Corpus::read(Split split, int64_t first, std::span<Token> out) const {
  const Stream& stream = state_->streams[static_cast<size_t>(split)];
  const auto count = static_cast<int64_t>(out.size());
  require(first >= 0 && first + count <= stream.tokens(), ExitCode::kBadInput,
          state_->folder.string(), ": tokens ", first, " to ", first + count, " wanted of ",
          stream.tokens(), " in ", enum_name(split));
  while (!out.empty()) {
    const auto number =
        static_cast<size_t>(std::ranges::upper_bound(stream.ends, first) - stream.ends.begin());
    const auto rest =
        stream.shards[number].tokens().last(static_cast<size_t>(stream.ends[number] - first));
    const auto part = rest.first(std::min(rest.size(), out.size()));
    require(std::ranges::max(part) < state_->tokenizer.vocab(), ExitCode::kBadInput,
            stream.shards[number].path().string(), ": a token beyond the tokenizer's ",
            state_->tokenizer.vocab(), " pieces; the file is damaged, make the corpus again");
    std::ranges::copy(part, out.begin());
    out = out.subspan(part.size());
    first += static_cast<int64_t>(part.size());
  }
}

int64_t Corpus::tokens(Split split) const {
  return state_->streams[static_cast<size_t>(split)].tokens();
}

const std::vector<std::string>& Corpus::domains() const { return state_->index.domains; }
const Tokenizer& Corpus::tokenizer() const { return state_->tokenizer; }
const std::vector<int64_t>& Corpus::train_counts() const { return state_->index.train_counts; }

std::string Corpus::digest(Split split) const {
  return digest_of(documents(split), state_->streams[static_cast<size_t>(split)].digests);
}

void Corpus::check_shards(Split split, int64_t first, int64_t step) const {
  const Stream& stream = state_->streams[static_cast<size_t>(split)];
  for (auto i = static_cast<size_t>(first); i < stream.shards.size();
       i += static_cast<size_t>(step))
    require(stream.shards[i].digest() == stream.digests[i], ExitCode::kBadInput,
            stream.shards[i].path().string(),
            ": not the shard the manifest names (SHA-256 differs); make the corpus again");
}

}  // namespace reprise
