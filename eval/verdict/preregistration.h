// What a study wrote down before its run: the [verdict] section of its file.
#pragma once

#include <filesystem>
#include <string>

#include "eval/verdict/options.h"

namespace reprise {

/// Sets in `options` what the [verdict] section of the study file declares, and returns the file's
/// SHA-256 in hex. An option that was given another value than the one declared is refused
/// (kUsage): the margin is not chosen after the fact.
std::string apply_preregistration(const std::filesystem::path& study, VerdictOptions& options);

}  // namespace reprise
