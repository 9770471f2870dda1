// How much errors of each tensor matter, for the whole model at once.
#pragma once

#include <vector>

#include "models/artifact/packing/options.h"
#include "models/artifact/packing/unpacked_model.h"
#include "models/artifact/quantisers/subject.h"

namespace reprise {

/// Of every tensor, in their order. relative: every tensor's errors count by its mean square.
/// fisher: by what they do to the loss, as far as the calibration's Fisher diagonal tells it, and a
/// little by the weight's row, for errors too large for a diagonal to tell. Both are scaled so that
/// the distortion of losing all weights is about their number, and one range of slopes serves both.
/// Throws kBadInput where the calibration has not a tensor, or none of its shape.
std::vector<Importance> importance_of(const UnpackedModel& model, Sensitivity sensitivity);

}  // namespace reprise
