// Packs a trained model into a file of an exact size.
//
//   Packed packed = pack(unpacked, options);
//   Artifact artifact = parse_artifact(packed.file, "packed");   // what every reader will see
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/artifact/packing/options.h"
#include "models/artifact/packing/search.h"
#include "models/artifact/quantisers/distortion.h"
#include "models/artifact/quantisers/form.h"
#include "models/artifact/quantisers/host_tensor.h"

namespace reprise {

/// A trained model before packing.
struct UnpackedModel {
  nlohmann::json model;         ///< the resolved "model" section
  std::string tokenizer;        ///< SHA-256 of the tokenizer model, in hex
  std::string tokenizer_model;  ///< carried in the file unless empty
  std::vector<HostTensor> tensors;
  /// Names and shapes of the same model's tensors at another width, none where it has no such
  /// width: lets an impossible target be told which width would fit.
  std::function<std::vector<TensorShape>(int64_t width)> tensors_at_width;
};

/// What packing did to one tensor.
struct TensorSummary {
  std::string name;
  double nominal_bits = 0;  ///< mean width of the codes before coding
  Distortion distortion;
};

struct Packed {
  std::string file;
  std::vector<TensorSummary> tensors;
  std::vector<Attempt> attempts;  ///< sizes include the code allowance
};

/// File and code allowance together are in Band::below(options.bytes). The bytes depend on nothing
/// but the arguments. Throws kCapUnreachable, saying by how much and which width would fit, where
/// no setting gives that size; kBadInput for a model that cannot be packed.
/// `on_build` hears the size of every file that is built on the way.
Packed pack(const UnpackedModel& model, const PackOptions& options,
            const std::function<void(int64_t bytes)>& on_build = {});

/// One object for the summary file: tensors with nominal bits and distortions, and every attempt.
nlohmann::json to_json(const Packed& packed);

}  // namespace reprise
