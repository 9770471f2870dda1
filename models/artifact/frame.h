// An artifact without its weights: what a file of this model takes whatever its codes are.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/artifact/artifact.h"

namespace reprise {

/// Header and directory, and the tokenizer model unless that is empty, coded; the sections of
/// weights are there, and empty. Its serialise() has the fixed bytes of the file.
Artifact make_frame(const nlohmann::json& model, const std::string& tokenizer,
                    const std::string& tokenizer_model, const Directory& directory);

}  // namespace reprise
