#include "train/model_file.h"

#include "base/error.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kModelFormat = "reprise-model 1";

bool is_record(const json& record) {
  const auto text = [&](const char* key) {
    return record.contains(key) && record[key].is_string();
  };
  const auto section = [](const json& of, const char* key) {
    return of.contains(key) && of[key].is_object();
  };
  return record.is_object() && text("format") && record["format"] == kModelFormat &&
         text("model_sha256") && text("tokenizer_sha256") && section(record, "config") &&
         section(record["config"], "model") &&
         (!record.contains("identity") || section(record, "identity"));
}

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

std::string fault_of_weights(const fs::path& folder, const json& record) {
  const fs::path path = folder / kWeights;
  if (!fs::exists(path)) return concat(path.string(), " is not there");
  if (to_hex(sha256_file(path)) == record["model_sha256"]) return "";
  return concat(path.string(), ": damaged (its checksum differs from ", kRecord, "'s)");
}

json read_model_record(const fs::path& folder) {
  const fs::path path = folder / kRecord;
  if (!fs::exists(path)) return nullptr;
  json record = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  require(is_record(record), ExitCode::kBadInput, path.string(),
          ": not the record of a model that `reprise train` finished; remove it to train again");
  return record;
}

ModelFile::ModelFile(const fs::path& folder)
    : record_(record_of(folder)), options_(options_of(record_)), weights_(folder / kWeights) {
  const std::string fault = fault_of_weights(folder, record_);
  require(fault.empty(), ExitCode::kBadInput, fault);
}

std::string ModelFile::tokenizer() const { return record_["tokenizer_sha256"]; }

void write_model(const fs::path& folder, std::span<const ArrayView> weights, json record) {
  const Sha256 digest = write_safetensors(folder / kWeights, weights);
  record["format"] = kModelFormat;
  record["model_sha256"] = to_hex(digest);
  write_file(folder / kRecord, record.dump(1) + "\n");
}

}  // namespace reprise
