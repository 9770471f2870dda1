// Packs a trained model into a file of an exact size.
//
//   Packed packed = pack(unpacked, options);
//   Artifact artifact = parse_artifact(packed.file, "packed");   // what every reader will see
#pragma once

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/artifact/packing/options.h"
#include "models/artifact/packing/stored_model.h"

namespace reprise {

/// A file that was built on the way, or that is the result.
struct Candidate {
  std::string_view rule;      ///< by which bits were handed out (rule.h)
  double log2_slope = 0;      ///< quantiser.h
  double forecast_bytes = 0;  ///< with the code allowance, as is `bytes`
  int64_t bytes = 0;
  double distortion = 0;  ///< forecast, of the whole model
  /// What the judge found, of the file that a rule ends with; NaN: it was not asked.
  double judged_nats = std::numeric_limits<double>::quiet_NaN();
};

struct Packed {
  std::string file;
  Candidate chosen;
  std::vector<TensorSummary> tensors;
  std::vector<Candidate> candidates;  ///< every one, in the order in which they were built
};

/// Nats a token of a packed file on train text.
using Judge = std::function<double(const std::string& file)>;

struct PackHooks {
  std::function<void(int64_t bytes)> on_build = {};  ///< hears the size of every file on the way
  /// Chooses among the rules of Allocation::kHand; their forecast distortion does where there is
  /// none.
  Judge judge = {};
};

/// File and code allowance together are in Band::below(options.bytes). The bytes depend on nothing
/// but the arguments. Throws kCapUnreachable, saying by how much and which width would fit, where
/// no setting gives that size; kBadInput for a model that cannot be packed.
/// Without a target (bytes 0) every tensor is as fine as the options let it be.
Packed pack(const UnpackedModel& model, const PackOptions& options, const PackHooks& hooks = {});

/// One object for the summary file: tensors with nominal bits and distortions, and every candidate.
nlohmann::json to_json(const Packed& packed);

}  // namespace reprise
