#include "train/model_file.h"

#include "base/error.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kFormat = "reprise-model 1";
constexpr const char* kWeights = "model.safetensors";
constexpr const char* kRecord = "train.json";

json record_of(const fs::path& folder) {
  json record = read_model_record(folder);
  require(!record.is_null(), ExitCode::kBadInput, (folder / kRecord).string(),
          " is not there: no finished model; run `reprise train` to its end");
  return record;
}

ModelOptions options_of(const json& record) {
  ModelOptions options;
  OptionSet("model", "")
      .add("model", options)
      .read_json({{"model", record.at("config").at("model")}});
  validate(options);
  return options;
}

}  // namespace

json read_model_record(const fs::path& folder) {
  const fs::path path = folder / kRecord;
  if (!fs::exists(path)) return nullptr;
  json record = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  const bool known = record.is_object() && record.value("format", "") == kFormat &&
                     record.contains("model_sha256") && record.contains("tokenizer_sha256") &&
                     record.contains("config") && record["config"].contains("model");
  require(known, ExitCode::kBadInput, path.string(),
          ": not the record of a model that `reprise train` finished");
  return record;
}

ModelFile::ModelFile(const fs::path& folder)
    : record_(record_of(folder)), options_(options_of(record_)), weights_(folder / kWeights) {
  require(to_hex(sha256_file(folder / kWeights)) == record_["model_sha256"], ExitCode::kBadInput,
          (folder / kWeights).string(), ": damaged (its checksum differs from train.json's)");
}

std::string ModelFile::tokenizer() const { return record_["tokenizer_sha256"]; }

void write_model(const fs::path& folder, std::span<const ArrayView> weights, json record) {
  const Sha256 digest = write_safetensors(folder / kWeights, weights);
  record["format"] = kFormat;
  record["model_sha256"] = to_hex(digest);
  write_file(folder / kRecord, record.dump(1) + "\n");
}

}  // namespace reprise
