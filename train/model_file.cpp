#include "train/model_file.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json_text.h"
#include "train/record_seal.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kModelFormat = "reprise-model 2";

bool is_of_train(const json& record) { return text_at(record, "format") == kModelFormat; }

bool is_record(const json& record) {
  const auto section = [](const json& of, const char* key) {
    return of.contains(key) && of[key].is_object();
  };
  const auto text = [&](const char* key) { return !text_at(record, key).empty(); };
  return is_of_train(record) && is_sealed(record) && text("model_sha256") &&
         text("tokenizer_sha256") && section(record, "config") &&
         section(record["config"], "model") &&
         (!record.contains("identity") || section(record, "identity"));
}

json record_of(const fs::path& folder) {
  json record = read_model_record(folder);
  require(!record.is_null(), ExitCode::kBadInput, (folder / kRecord).string(),
          " is not there: no finished model; run `reprise train` to its end");
  return record;
}

ModelOptions options_of(const json& record, const fs::path& folder) {
  ModelOptions options;
  try {
    OptionSet("model", "")
        .add("model", options)
        .read_json({{"model", record.at("config").at("model")}});
    validate(options);
  } catch (const Error& error) {
    fail(ExitCode::kBadInput, (folder / kRecord).string(), ": ", error.what());
  }
  return options;
}

json parse_record(const fs::path& path) {
  return json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::string fault_of_file(const fs::path& path, const std::string& digest) {
  if (!fs::exists(path)) return concat(path.string(), " is not there");
  if (to_hex(sha256_file(path)) == digest) return "";
  return concat(path.string(), ": damaged (its checksum differs from the record's)");
}

std::string fault_of_record(const fs::path& folder) {
  const fs::path path = folder / kRecord;
  const json record = fs::exists(path) ? parse_record(path) : json(nullptr);
  const bool cut = record.is_discarded(), changed = is_of_train(record) && !is_record(record);
  return cut || changed ? concat(path.string(), ": damaged (not as `reprise train` wrote it)") : "";
}

json read_model_record(const fs::path& folder) {
  const fs::path path = folder / kRecord;
  if (!fs::exists(path)) return nullptr;
  json record = parse_record(path);
  require(is_record(record), ExitCode::kBadInput, path.string(),
          ": not the record of a model that `reprise train` finished; remove it to train again");
  return record;
}

ModelFile::ModelFile(const fs::path& folder)
    : folder_(folder.string()),
      record_(record_of(folder)),
      options_(options_of(record_, folder)),
      weights_(folder / kWeights) {
  const std::string fault = fault_of_file(folder / kWeights, record_["model_sha256"]);
  require(fault.empty(), ExitCode::kBadInput, fault);
}

KeyRule ModelFile::key_rule() const {
  const nlohmann::json& config = record_.at("config");
  if (!config.contains("train") || !config.at("train").contains("key-rule"))
    return KeyRule::kCoarse;
  const auto stored = config.at("train").at("key-rule").get<std::string>();
  for (const auto& [rule, name] : EnumNames<KeyRule>::names)
    if (name == stored) return rule;
  fail(ExitCode::kBadInput, folder_, ": trained under the key rule '", stored,
       "', which this program does not know");
}

std::string ModelFile::tokenizer() const { return record_["tokenizer_sha256"]; }

void ModelFile::require_tokenizer(const std::string& digest, const std::string& corpus) const {
  require(tokenizer() == digest, ExitCode::kBadInput, folder_,
          " was trained on tokens of another tokenizer than that of ", corpus);
}

void write_model(const fs::path& folder, std::span<const ArrayView> weights, json record) {
  const Sha256 digest = write_safetensors(folder / kWeights, weights);
  record["format"] = kModelFormat;
  record["model_sha256"] = to_hex(digest);
  write_file(folder / kRecord, sealed(std::move(record)).dump(1) + "\n");
}

}  // namespace reprise
