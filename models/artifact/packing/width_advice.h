// Which width of the model would suit a target that this width cannot meet.
#pragma once

#include <string>

#include "models/artifact/packing/packer.h"

namespace reprise {

/// The smallest or the largest file of this model.
struct Extreme {
  int64_t bytes = 0;
  int64_t fixed_bytes = 0;  ///< of them, those that stay at any width: header, framing, allowance
};

/// Predicted with as many bits for a weight's code as the extreme has, and 2 % to spare.
std::string advise_smaller_width(const UnpackedModel& model, const QuantiserOptions& options,
                                 Extreme smallest, int64_t most_bytes);
std::string advise_larger_width(const UnpackedModel& model, const QuantiserOptions& options,
                                Extreme largest, int64_t least_bytes);

}  // namespace reprise
