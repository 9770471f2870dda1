// A trained model before packing.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "models/artifact/quantisers/calibration.h"
#include "models/artifact/quantisers/form.h"
#include "models/artifact/quantisers/host_tensor.h"
#include "models/key_rule.h"

namespace reprise {

struct UnpackedModel {
  nlohmann::json model;             ///< the resolved "model" section
  KeyRule keys = KeyRule::kCoarse;  ///< what refined positions attended to in training
  std::string head_reads;       ///< what the gate's head reads, whose weights are among the tensors
  std::string tokenizer;        ///< SHA-256 of the tokenizer model, in hex
  std::string tokenizer_model;  ///< carried in the file unless empty
  std::vector<HostTensor> tensors;
  /// How the tensors are used; needed where the options ask for what it says.
  std::optional<Calibration> calibration;
  /// Names and shapes of the same model's tensors at another width, none where it has no such
  /// width: lets an impossible target be told which width would fit.
  std::function<std::vector<TensorShape>(int64_t width)> tensors_at_width;
};

/// Throws kBadInput where there are no tensors, or one whose weights its shape does not count.
void check_tensors(const std::vector<HostTensor>& tensors);

}  // namespace reprise
