#include "data/build.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/documents.h"
#include "data/folder.h"
#include "data/index.h"
#include "data/manifest.h"
#include "data/parallel.h"
#include "data/shard.h"
#include "data/stored_text.h"
#include "data/tokenizer_training.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr int64_t kBlockBytes = 4'000'000;  // of text encoded at a time by all threads together

void check_place(const fs::path& out) {
  require(!out.empty(), ExitCode::kUsage, "--data.out is missing: name the folder for the corpus");
  const bool taken = fs::exists(out) && !(fs::is_directory(out) && fs::is_empty(out));
  require(!taken || fs::exists(out / kManifestName), ExitCode::kUsage, "--data.out ", out.string(),
          ": exists and is not a corpus; name another folder or remove it");
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

struct Changes {
  int64_t documents = 0, bytes = 0, emptied = 0;
};

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
    fail(error.code(), pool.origin(document), ", byte ", document.place.offset, ": ", error.what());
  }
}

/// Encodes and writes one split; fills its part of the index.
json write_split(const DocumentPool& pool, Split split, const Tokenizer& tokenizer,
                 const DataOptions& options, const fs::path& folder, CorpusIndex& index,
                 Changes& changes) {
  const auto& found = pool.documents(split);
  auto& documents = index.documents[static_cast<size_t>(split)];
  ShardWriter writer(folder, std::string(enum_name(split)), options.shard_tokens);
  Progress progress(concat(enum_name(split), " documents"), static_cast<int64_t>(found.size()), 0);
  Bytes bytes;
  for (size_t first = 0, end = 0; first < found.size(); first = end) {
    end = end_of_block(found, first);
    const auto block = parallel_map(
        end - first, [&](size_t i) { return encode_document(pool, tokenizer, found[first + i]); });
    for (size_t i = 0; i < block.size(); ++i) {
      const FoundDocument& source = found[first + i];
      changes.documents += block[i].changed_bytes > 0;
      changes.bytes += block[i].changed_bytes;
      changes.emptied += block[i].tokens.empty();
      if (block[i].tokens.empty()) continue;
      const Bytes size{static_cast<int64_t>(block[i].text.size())};
      const int64_t start = writer.add(block[i].tokens);
      documents.push_back({start, writer.tokens() - start, size, source.domain, source.hash});
      bytes += size;
      if (split != Split::kTrain) continue;
      ++index.train_counts[kBeginOfDocument];
      for (const Token token : block[i].tokens) ++index.train_counts[token];
    }
    progress.update(static_cast<int64_t>(end), concat(writer.tokens(), " tokens"));
  }
  writer.finish();
  return {{"documents", documents.size()},
          {"tokens", writer.tokens()},
          {"bytes", bytes.value},
          {"shards", writer.shards()},
          {"sha256", digest_of(documents)}};
}

json left_out_json(const LeftOut& left_out, const Changes& changes) {
  return {{"found", left_out.found},
          {"duplicates", left_out.duplicates},
          {"empty", left_out.empty + changes.emptied},
          {"beyond_limit", left_out.beyond_limit},
          {"cut", left_out.cut},
          {"cut_bytes", left_out.cut_bytes},
          {"changed", changes.documents},
          {"changed_bytes", changes.bytes}};
}

}  // namespace

json build_corpus(const DataOptions& options, const json& config) {
  const fs::path out = options.out;
  check_place(out);
  std::optional<Tokenizer> tokenizer;
  if (!options.tokenizer.empty()) tokenizer = Tokenizer::load(options.tokenizer);
  const DocumentPool pool(options, tokenizer ? &*tokenizer : nullptr);
  if (!tokenizer) {
    log::info("training a tokenizer of ", options.vocab, " pieces");
    tokenizer = Tokenizer::from_bytes(
        train_tokenizer(training_texts(pool, options.tokenizer_bytes), options.vocab));
  }
  json manifest{{"schema", kManifestSchema},          {"config", config},
                {"config_sha256", digest_of(config)}, {"domains", pool.domains()},
                {"vocab", tokenizer->vocab()},        {"tokenizer_sha256", tokenizer->digest()}};
  replace_folder(out, [&](const fs::path& folder) {
    CorpusIndex index{
        {}, pool.domains(), std::vector<int64_t>(static_cast<size_t>(tokenizer->vocab()))};
    Changes changes;
    for (const Split split : kSplits)
      manifest["splits"][std::string(enum_name(split))] =
          write_split(pool, split, *tokenizer, options, folder, index, changes);
    manifest["documents"] = left_out_json(pool.left_out(), changes);
    write_file(folder / kTokenizerName, tokenizer->model_bytes());
    write_index(folder / kIndexName, index);
    manifest["index_sha256"] = to_hex(sha256_file(folder / kIndexName));
    write_file(folder / kManifestName, manifest.dump(2) + "\n");
  });
  return manifest;
}

}  // namespace reprise
