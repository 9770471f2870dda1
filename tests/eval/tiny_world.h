// A corpus and a model small enough to evaluate in a fraction of a second, both real.
#pragma once

#include <filesystem>

#include "eval/provenance.h"
#include "models/parameters.h"

namespace reprise {

/// Six dozen documents in two domains, from a few to some hundred tokens, behind a tokenizer
/// trained on them.
void write_tiny_corpus(const std::filesystem::path& folder);

/// Context of 64 tokens, two base passes where the family has more than one, weights that are
/// random and nowhere zero.
ModelOptions tiny_model(const Corpus& corpus, Family family);
Parameters random_parameters(const ModelOptions& options);

/// Those weights as an artifact. `fraction` 0: without a gate.
ScoredArtifact tiny_artifact(const Corpus& corpus, Family family, GateRule gate);

/// Options whose units and segments are so small that the split has many.
EvalOptions tiny_options(const std::filesystem::path& out);

}  // namespace reprise
