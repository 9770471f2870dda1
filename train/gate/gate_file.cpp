#include "train/gate/gate_file.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json_text.h"
#include "train/gate/options.h"
#include "train/model_file.h"
#include "train/record_seal.h"
#include "train/tensor_file.h"

namespace reprise {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kGateFormat = "reprise-gate 1";

json parse_record(const fs::path& path) {
  return json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
}

bool is_of_gate(const json& record) { return text_at(record, "format") == kGateFormat; }

bool is_record(const json& record) {
  return is_of_gate(record) && is_sealed(record) && !text_at(record, "gate_sha256").empty() &&
         record.value("identity", json()).is_object() && record.value("config", json()).is_object();
}

json record_of(const fs::path& folder) {
  json record = read_gate_record(folder);
  require(!record.is_null(), ExitCode::kBadInput, (folder / kGateRecord).string(),
          " is not there: no finished gate head; run `reprise gate` to its end");
  return record;
}

HeadOptions head_options(const json& record, const fs::path& folder) {
  GateOptions options;
  try {
    OptionSet("gate", "").add("gate", options).read_json(record.at("config"));
    validate(options.head);
  } catch (const Error& error) {
    fail(ExitCode::kBadInput, (folder / kGateRecord).string(), ": ", error.what());
  }
  return options.head;
}

}  // namespace

std::string fault_of_gate(const fs::path& folder) {
  const fs::path path = folder / kGateRecord;
  if (!fs::exists(path)) return "";
  const json record = parse_record(path);
  if (record.is_discarded() || (is_of_gate(record) && !is_record(record)))
    return concat(path.string(), ": damaged (not as `reprise gate` wrote it)");
  return fault_of_file(folder / kGateWeights, text_at(read_gate_record(folder), "gate_sha256"));
}

json read_gate_record(const fs::path& folder) {
  const fs::path path = folder / kGateRecord;
  if (!fs::exists(path)) return nullptr;
  json record = parse_record(path);
  require(is_record(record), ExitCode::kBadInput, path.string(),
          ": not the record of a gate head that `reprise gate` finished; remove it to train again");
  return record;
}

void write_gate(const fs::path& folder, const GateHead& head, json record) {
  std::vector<NamedTensor> weights;
  const GateHead stored = head.to(at::kFloat);
  for (const auto& parameter : stored.list()) weights.push_back({parameter.name, parameter.tensor});
  const HostArrays arrays(weights);
  record["format"] = kGateFormat;
  record["gate_sha256"] = to_hex(write_safetensors(folder / kGateWeights, arrays.views()));
  write_file(folder / kGateRecord, sealed(std::move(record)).dump(1) + "\n");
}

GateFile::GateFile(const fs::path& folder, at::Device device)
    : record_(record_of(folder)),
      options_(head_options(record_, folder)),
      head_(options_, record_.at("inputs"), /*seed=*/0, device) {
  const std::string fault = fault_of_gate(folder);
  require(fault.empty(), ExitCode::kBadInput, fault);
  std::map<std::string, at::Tensor> wanted;
  for (const auto& parameter : head_.list())
    wanted.emplace(parameter.name, parameter.tensor.detach());
  read_tensors_into(folder / kGateWeights, wanted);
  require(wanted.empty(), ExitCode::kBadInput, (folder / kGateWeights).string(), ": lacks ",
          wanted.empty() ? "" : wanted.begin()->first);
}

}  // namespace reprise
