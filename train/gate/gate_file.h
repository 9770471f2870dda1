// A trained gate head in its folder: what `reprise gate` leaves. docs/gate.md gives the files.
//
//   gate.safetensors   the weights, fp32, in the order of GateHead::list()
//   gate.json          written last: configuration, of which model, what it may see, how good it is
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "models/gate_head.h"

namespace reprise {

inline constexpr const char* kGateRecord = "gate.json";
inline constexpr const char* kGateWeights = "gate.safetensors";

/// What is wrong with the folder's head: a file was lost, cut or changed; "" where both are whole,
/// or there is no record at all. Throws kBadInput where the record is another program's.
std::string fault_of_gate(const std::filesystem::path& folder);

/// gate.json where the folder has one, else null; throws kBadInput where it is not a record of this
/// program.
nlohmann::json read_gate_record(const std::filesystem::path& folder);

/// Writes both files, gate.json last with "format", the weights' checksum and "digest" added to
/// `record`. Throws kFailure.
void write_gate(const std::filesystem::path& folder, const GateHead& head, nlohmann::json record);

/// A head that was written, with what it was trained for.
class GateFile {
 public:
  /// Throws kBadInput where the folder holds no finished head, or its weights differ from their
  /// checksum or from what the record says of their shape.
  explicit GateFile(const std::filesystem::path& folder, at::Device device = at::kCPU);

  const HeadOptions& options() const { return options_; }
  const GateHead& head() const { return head_; }
  const nlohmann::json& record() const { return record_; }
  /// The options of the model it was trained on, and `sha256` of its weights, in hex: it is of use
  /// with no other.
  const nlohmann::json& model() const { return record_.at("identity").at("model"); }

 private:
  nlohmann::json record_;
  HeadOptions options_;
  GateHead head_;
};

}  // namespace reprise
