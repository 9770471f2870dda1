#include "data/found_corpus.h"

#include <algorithm>
#include <filesystem>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/corpus.h"
#include "data/index.h"
#include "data/manifest.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

json manifest_if_any(const fs::path& folder) {
  const fs::path path = folder / kManifestName;
  if (!fs::exists(path)) return nullptr;
  json manifest = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  return manifest.is_object() ? manifest : json(nullptr);
}

/// Whether a corpus has files of this name.
bool is_part(const std::string& name) {
  const auto is_shard_of = [&](Split split) {
    const std::string first = concat(enum_name(split), '_'), last = ".bin";
    if (!name.starts_with(first) || !name.ends_with(last)) return false;
    const auto number = std::string_view(name).substr(first.size());
    return number.find_first_not_of("0123456789") == number.size() - last.size();
  };
  return name == kManifestName || name == kIndexName || name == kTokenizerName ||
         std::ranges::any_of(kSplits, is_shard_of);
}

/// Without the places, for whose contents digest_of() stands.
json options_alone(json config) {
  if (config.is_object() && config.contains("data") && config["data"].is_object())
    for (const char* place : {"source", "tokenizer", "out"}) config["data"].erase(place);
  return config;
}

}  // namespace

std::string digest_of(const DocumentPool& pool, const std::string& tokenizer) {
  Sha256Stream digest;
  digest.update(tokenizer);
  for (const Split split : kSplits) {
    digest.update(concat('\n', enum_name(split), '\n'));
    for (const auto& document : pool.documents(split))
      digest.update(concat(pool.domains()[document.domain], ' ', to_hex(document.hash), '\n'));
  }
  return to_hex(digest.finish());
}

bool holds_corpus(const fs::path& folder) {
  return fs::exists(folder / kManifestName) || fs::exists(folder / kIndexName);
}

FoundCorpus::FoundCorpus(std::string folder)
    : folder_(std::move(folder)), manifest_(manifest_if_any(folder_)) {}

void FoundCorpus::require_options(const json& config) const {
  if (manifest_.is_null()) return;
  require(manifest_.value("schema", json()) == kManifestSchema, ExitCode::kUsage, folder_,
          " holds a corpus of schema ", manifest_.value("schema", json()), ", which is not read; ",
          kManifestSchema, " is written; give another --data.out or remove it");
  require(options_alone(manifest_.value("config", json())) == options_alone(config),
          ExitCode::kUsage, folder_,
          " holds a corpus made with other options; give another --data.out or remove it");
}

bool FoundCorpus::is_whole(const std::string& source) const {
  if (manifest_.is_null()) {
    if (fs::exists(fs::path(folder_) / kIndexName))
      log::warning(folder_, ": ", kManifestName, " is lost or damaged: the corpus is made again");
    return false;
  }
  require(manifest_.value("source_sha256", json()) == source, ExitCode::kUsage, folder_,
          " holds a corpus made from other text or with another tokenizer; give another "
          "--data.out or remove it");
  try {
    const Corpus corpus(folder_);
    for (const Split split : kSplits) corpus.check_shards(split, 0, 1);
  } catch (const Error& error) {
    log::warning(error.what(), ": the corpus is made again");
    return false;
  }
  log::info(folder_, " holds this corpus already");
  return true;
}

void FoundCorpus::require_nothing_else() const {
  if (!fs::exists(folder_)) return;
  for (const auto& entry : fs::directory_iterator(folder_))
    require(is_part(entry.path().filename().string()), ExitCode::kUsage, entry.path().string(),
            " would be removed with the corpus it lies in, which must be made again; move it away");
}

}  // namespace reprise
