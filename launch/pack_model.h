// What is packed: a trained model, and the gate's head that was trained on it.
#pragma once

#include "data/corpus.h"
#include "models/artifact/packing/options.h"
#include "models/artifact/packing/unpacked_model.h"
#include "models/options.h"

namespace reprise {

/// What the file of a trained model says beside its weights.
struct Trained {
  nlohmann::json record;
  ModelOptions options;
  KeyRule rule = KeyRule::kCoarse;
  nlohmann::json gate;  ///< the record of the head that --pack.gate names; null without one
};

/// Throws kBadInput where the model was trained on another tokenizer's tokens, or --pack.gate names
/// no finished head, or one of another model or text, or behind another pass
/// than the gate stands.
Trained read_trained(const PackOptions& options, const Corpus& corpus);

/// Files are closed again when it returns: mapped, they would be in memory a second time.
UnpackedModel read_weights(const PackOptions& options, const Tokenizer& tokenizer);

}  // namespace reprise
