// The weights of a trained model (model_file.h) as parameters.
#pragma once

#include "models/parameters.h"
#include "train/model_file.h"

namespace reprise {

/// Sets `parameters`, of a model of the file's shape. Throws kBadInput where an array is missing,
/// unknown or of another shape.
void assign_weights(const ModelFile& file, Parameters& parameters);

}  // namespace reprise
