#include "data/build.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/log.h"
#include "base/pace.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/stopwatch.h"
#include "data/documents.h"
#include "data/folder.h"
#include "data/found_corpus.h"
#include "data/index.h"
#include "data/manifest.h"
#include "data/shard.h"
#include "data/source.h"
#include "data/stored_text.h"
#include "data/tokenizer_training.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr int64_t kBlockBytes = 4'000'000;  // of text encoded at a time by all threads together

/// A corpus within its text would be read as text by the next run; text within its corpus would be
/// removed with it.
void require_apart(const fs::path& source, const fs::path& out) {
  require(!is_within(out, source) && !is_within(source, out), ExitCode::kUsage, "--data.out ",
          out.string(), " and --data.source ", source.string(),
          " lie one within the other; name a folder apart from the text");
}

void check_output_options(const DataOptions& options) {
  const fs::path out = options.out;
  require(!out.empty(), ExitCode::kUsage, "--data.out is missing: name the folder for the corpus");
  require_place_for(out, "--data.out", OutputKind::kFolder);
  const bool taken = fs::exists(out) && !(fs::is_directory(out) && fs::is_empty(out));
  require(!taken || holds_corpus(out), ExitCode::kUsage, "--data.out ", out.string(),
          ": exists and is not a corpus; name another folder or remove it");
  for (const auto& source : options.source) require_apart(path_of_source(source), out);
  require(options.shard_tokens >= 1 && options.shard_tokens <= kMostShardTokens, ExitCode::kUsage,
          "--data.shard-tokens ", options.shard_tokens, ": the header of a shard counts from 1 to ",
          kMostShardTokens);
  require(options.tokenizer_bytes >= 1, ExitCode::kUsage, "--data.tokenizer-bytes ",
          options.tokenizer_bytes, ": a tokenizer needs text to be trained on");
}

/// Train text in the order of the documents' hashes, up to `limit` bytes.
TextStream training_texts(const DocumentPool& pool, int64_t limit) {
  return
      [&pool, limit, next = size_t{0}, taken = int64_t{0}]() mutable -> std::optional<std::string> {
        const auto& documents = pool.documents(Split::kTrain);
        if (next == documents.size() || taken >= limit) return std::nullopt;
        taken += documents[next].bytes;
        return pool.text(documents[next++]);
      };
}

/// Documents [first, end) that are encoded together: at least one.
size_t end_of_block(const std::vector<FoundDocument>& documents, size_t first) {
  size_t end = first;
  for (int64_t bytes = 0; end < documents.size() && bytes < kBlockBytes; ++end)
    bytes += documents[end].bytes;
  return end;
}

StoredText encode_document(const DocumentPool& pool, const Tokenizer& tokenizer,
                           const FoundDocument& document) {
  try {
    return store_text(tokenizer, pool.text(document));
  } catch (const Error& error) {
    fail(error.code(), pool.origin(document), ", document at ", document.place.offset, ": ",
         error.what());
  }
}

/// Encodes the documents of a pool into the files of one folder.
class CorpusWriter {
 public:
  CorpusWriter(const DocumentPool& pool, const Tokenizer& tokenizer, int64_t shard_tokens,
               fs::path folder)
      : pool_(pool),
        tokenizer_(tokenizer),
        shard_tokens_(shard_tokens),
        folder_(std::move(folder)),
        index_{{}, pool.domains(), std::vector<int64_t>(static_cast<size_t>(tokenizer.vocab()))} {}

  /// Writes the shards of a split and returns its entry in the manifest.
  json write_split(Split split) {
    const auto& found = pool_.documents(split);
    const std::string name(enum_name(split));
    ShardWriter shards(folder_, name, shard_tokens_);
    Progress progress(name + " documents", static_cast<int64_t>(found.size()), 0);
    for (size_t first = 0, end = 0; first < found.size(); first = end) {
      end = end_of_block(found, first);
      const auto block = parallel_map(end - first, [&](size_t i) {
        return encode_document(pool_, tokenizer_, found[first + i]);
      });
      for (size_t i = 0; i < block.size(); ++i) add(split, found[first + i], block[i], shards);
      progress.update(static_cast<int64_t>(end), concat(shards.tokens(), " tokens"));
    }
    shards.finish();
    const auto& documents = index_.documents[static_cast<size_t>(split)];
    Bytes bytes;
    for (const auto& document : documents) bytes += document.bytes;
    return {{"documents", documents.size()},
            {"tokens", shards.tokens()},
            {"bytes", bytes.value},
            {"shards", shards.digests().size()},
            {"shard_sha256", shards.digests()},
            {"sha256", digest_of(documents, shards.digests())}};
  }

  void write_index_and_tokenizer() const {
    write_index(folder_ / kIndexName, index_);
    write_file(folder_ / kTokenizerName, tokenizer_.model_bytes());
  }

  /// What became of the documents that are not in the corpus as they were found.
  json account() const {
    const LeftOut& left_out = pool_.left_out();
    return {{"found", left_out.found},
            {"duplicates", left_out.duplicates},
            {"empty", left_out.empty + emptied_},
            {"beyond_limit", left_out.beyond_limit},
            {"cut", left_out.cut},
            {"cut_bytes", left_out.cut_bytes},
            {"changed", changed_},
            {"changed_bytes", changed_bytes_}};
  }

 private:
  void add(Split split, const FoundDocument& found, const StoredText& stored, ShardWriter& shards) {
    changed_ += stored.changed_bytes > 0;
    changed_bytes_ += stored.changed_bytes;
    emptied_ += stored.tokens.empty();
    if (stored.tokens.empty()) return;
    const int64_t start = shards.add(stored.tokens);
    const Bytes size{static_cast<int64_t>(stored.text.size())};
    index_.documents[static_cast<size_t>(split)].push_back(
        {start, shards.tokens() - start, size, found.domain, found.hash});
    if (split != Split::kTrain) return;
    ++index_.train_counts[kBeginOfDocument];
    for (const Token token : stored.tokens) ++index_.train_counts[token];
  }

  const DocumentPool& pool_;
  const Tokenizer& tokenizer_;
  int64_t shard_tokens_;
  fs::path folder_;
  CorpusIndex index_;
  int64_t changed_ = 0, changed_bytes_ = 0;
  int64_t emptied_ = 0;  ///< documents of which normalisation left nothing
};

/// The given model, if one is given.
std::optional<Tokenizer> load_tokenizer(const std::string& path) {
  if (path.empty()) return std::nullopt;
  return Tokenizer::load(path);
}

Tokenizer trained_tokenizer(const DocumentPool& pool, const DataOptions& options) {
  Pace pace(kLogPause);
  const Stopwatch watch;
  auto tokenizer = Tokenizer::from_bytes(
      train_tokenizer(training_texts(pool, options.tokenizer_bytes), options.vocab));
  if (pace.due())
    log::info("trained a tokenizer of ", options.vocab, " pieces in ", fixed(watch.seconds(), 1),
              " s");
  return tokenizer;
}

}  // namespace

json build_corpus(const DataOptions& options, const json& config) {
  check_output_options(options);
  const FileLock lock = lock_output(options.out);
  const FoundCorpus found(options.out);
  found.require_options(config);
  auto tokenizer = load_tokenizer(options.tokenizer);
  const DocumentPool pool(options, tokenizer ? &*tokenizer : nullptr);
  const std::string source = digest_of(pool, tokenizer ? tokenizer->digest() : "");
  if (found.is_whole(source)) return found.manifest();
  found.require_nothing_else();

  if (!tokenizer) tokenizer = trained_tokenizer(pool, options);
  json manifest{{"schema", kManifestSchema},
                {"config", config},
                {"config_sha256", digest_of(config)},
                {"domains", pool.domains()},
                {"vocab", tokenizer->vocab()},
                {"tokenizer_sha256", tokenizer->digest()},
                {"source_sha256", source}};
  replace_folder(options.out, [&](const fs::path& folder) {
    CorpusWriter writer(pool, *tokenizer, options.shard_tokens, folder);
    for (const Split split : kSplits)
      manifest["splits"][std::string(enum_name(split))] = writer.write_split(split);
    manifest["documents"] = writer.account();
    writer.write_index_and_tokenizer();
    manifest["index_sha256"] = to_hex(sha256_file(folder / kIndexName));
    write_file(folder / kManifestName, manifest.dump(2) + "\n");
  });
  log::info("wrote ", options.out, ": ", manifest["vocab"], " pieces, ",
            manifest["splits"]["train"]["tokens"], " tokens to train on");
  return manifest;
}

}  // namespace reprise
