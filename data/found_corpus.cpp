#include "data/found_corpus.h"

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
  require(manifest.is_object(), ExitCode::kBadInput, path.string(),
          ": not a corpus manifest; remove the folder or give another --data.out");
  return manifest;
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
  if (manifest_.is_null()) return false;
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

}  // namespace reprise
