// A packed model: all that scoring text needs, in one file whose length is what the comparison
// counts. docs/artifact.md gives the format byte for byte.
//
//   Artifact artifact = load_artifact(path);
//   ... artifact.model, artifact.tensors ...
//   artifact.gate = calibrated;            // never changes the file's length
//   write_artifact(path, artifact);
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "models/artifact/directory.h"
#include "models/artifact/quantisers/host_tensor.h"
#include "models/key_rule.h"

namespace reprise {

/// So the names of a gate's weights begin, which are no part of the model's own.
inline constexpr std::string_view kGatePrefix = "gate.";

/// Which positions are refined: those whose `signal` after the base passes exceeds `threshold`.
struct GateRule {
  std::string signal = "entropy";
  double threshold = 0;             ///< nats, for entropy
  double fraction = 0;              ///< of valid tokens that exceeded it when it was set
  std::string calibrated_on;        ///< digest of the text it was set on, in hex; empty: never set
  KeyRule keys = KeyRule::kCoarse;  ///< what refined positions attended to in training
  /// Of the signal "head": what it reads (models/gate_head.h). Its weights are among the
  /// tensors where this is not empty.
  std::string head_reads = "";
};

struct Artifact {
  nlohmann::json model;   ///< the resolved "model" section
  std::string tokenizer;  ///< SHA-256 of the tokenizer model, in hex
  GateRule gate;
  std::vector<HostTensor> tensors;  ///< decoded to fp32
  std::string tokenizer_model;      ///< the tokenizer itself, where the file carries it
  int64_t padding_bytes = 0;        ///< zeros in the header that bring the file into its band

  /// The stored form, kept beside the decoded one so that saving what was loaded gives the same
  /// bytes.
  std::string digest;  ///< sections_digest(sections): names the weights
  Directory directory;
  int64_t directory_bytes = 0;
  std::vector<std::string> sections;
};

/// Reads and decodes; executes nothing, allocates nothing the file's own length does not bound.
/// Every malformed file throws kBadInput in one line.
Artifact load_artifact(const std::filesystem::path& path);
Artifact parse_artifact(std::string_view bytes, std::string_view name);

/// SHA-256 over the sections, in hex.
std::string sections_digest(const std::vector<std::string>& sections);

/// The bytes of the file. They follow from model, tokenizer, gate and the stored form; `tensors` is
/// not read. Throws kUsage where the gate's numbers do not fit their fixed width.
std::string serialise(const Artifact& artifact);

/// Whole or absent; throws kFailure.
void write_artifact(const std::filesystem::path& path, const Artifact& artifact);

}  // namespace reprise
