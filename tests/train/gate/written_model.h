// A model on disk as `reprise train` leaves it, but for the training.
#pragma once

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/models/tiny_models.h"
#include "train/model_file.h"
#include "train/tensor_file.h"

namespace reprise::test {

inline void write_weights(const std::filesystem::path& folder, ModelOptions options,
                          const std::string& tokenizer, const Parameters& parameters) {
  std::vector<NamedTensor> weights;
  for (const auto& parameter : parameters.list())
    weights.push_back({parameter.name, parameter.tensor});
  OptionSet set("train", "");
  set.add("model", options);
  make_folder(folder);
  const HostArrays arrays(weights);
  write_model(folder, arrays.views(),
              {{"config", set.resolved()}, {"tokenizer_sha256", tokenizer}});
}

/// Weights of no training, whose predictions differ from token to token.
inline void write_lively_model(const std::filesystem::path& folder, const ModelOptions& options,
                               const std::string& tokenizer) {
  write_weights(folder, options, tokenizer, lively_parameters(options, at::kFloat));
}

}  // namespace reprise::test
