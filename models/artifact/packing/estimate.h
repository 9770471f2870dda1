// Bytes of an artifact before there is a model to pack: exact in what follows from the shapes
// (header, directory, framing), estimated in what the coders make of the weights. The truth of a
// packed file is its ledger (ledger.h).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "models/artifact/packing/options.h"
#include "models/artifact/quantisers/form.h"

namespace reprise {

struct StoredEstimate {
  int64_t fixed_bytes = 0;  ///< header, framing, directory
  /// Of each tensor, in their order: codes and scales, or values.
  std::vector<double> tensor_bytes;

  int64_t bytes() const;
};

/// How the packer would store tensors of these names and shapes.
std::vector<TensorShape> stored_shapes(std::vector<TensorShape> tensors,
                                       const QuantiserOptions& options);

/// What one tensor takes, framing aside.
double estimated_bits(const TensorShape& tensor, double code_bits);

/// `code_bits`: what a weight's code takes in the file on average, the coder's work done; integers
/// of 4 to 8 bits come to about 3.1, 3.7, 4.6, 5.6 and 6.6 (docs/artifact.md).
StoredEstimate estimate_stored(const nlohmann::json& model, const std::vector<TensorShape>& tensors,
                               double code_bits);

}  // namespace reprise
