// How much errors of each tensor matter, for the whole model at once.
#pragma once

#include <vector>

#include "models/artifact/packing/options.h"
#include "models/artifact/packing/unpacked_model.h"
#include "models/artifact/quantisers/subject.h"

namespace reprise {

struct ModelImportance {
  std::vector<Importance> tensors;  ///< in their order
  /// A distortion of 1 is about so many nats a token; 0 where that is not known.
  double nats = 0;
};

/// relative: every tensor's errors count by its mean square. fisher: by what they do to the loss,
/// as far as the calibration's Fisher diagonal tells it. Both are scaled so that the distortion of
/// losing all weights is their number, and one range of slopes serves both. Throws kBadInput where
/// the calibration has not a tensor, or none of its shape.
ModelImportance importance_of(const UnpackedModel& model, Sensitivity sensitivity);

}  // namespace reprise
