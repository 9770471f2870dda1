// Networks with weights of the size training gives them, and text to run them on, without training.
#pragma once

#include "eval/batch.h"
#include "models/parameters.h"

namespace reprise {

/// Recurrent, half of its layers in a core that runs twice; a small vocabulary.
ModelOptions model_of(int64_t width, int64_t layers, int64_t context);

/// Matrices that keep the size of what they multiply, output matrices and scales included, which a
/// fresh model has at zero; logits with a deviation of four before the cap.
Parameters trained_like_parameters(const ModelOptions& options, uint64_t seed);

/// One window of arbitrary tokens over the whole context.
ScoringBatch full_window(const ModelOptions& options);

}  // namespace reprise
