// A packed model: all that scoring text needs, in one file whose length is what the comparison
// counts. docs/artifact.md gives the format byte for byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace reprise {

/// A tensor on the host, outside libtorch: the packer and the loader need no more.
struct HostTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;  ///< row-major
};

/// Which positions are refined: those whose `signal` after the base passes exceeds `threshold`.
struct GateRule {
  std::string signal = "entropy";
  double threshold = 0;       ///< nats, for entropy
  double fraction = 0;        ///< of valid tokens that exceeded it when it was set
  std::string calibrated_on;  ///< digest of the text it was set on, in hex
};

struct Artifact {
  nlohmann::json model;   ///< the resolved "model" section
  std::string tokenizer;  ///< SHA-256 of the tokenizer model, in hex
  GateRule gate;
  std::vector<HostTensor> tensors;  ///< decoded to fp32
};

/// Reads and decodes; executes nothing, allocates nothing the file's own length does not bound.
/// Every malformed file throws kBadInput in one line.
Artifact load_artifact(const std::filesystem::path& path);
Artifact parse_artifact(std::string_view bytes, std::string_view name);

}  // namespace reprise
