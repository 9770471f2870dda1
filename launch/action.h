// The word behind a command's name that says what it shall do: reprise study run.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace reprise {

/// Takes the first of `words`, which must be one of `actions`; returns its index among them. Throws
/// kUsage, offering the nearest.
size_t take_action(std::vector<std::string>& words, const std::vector<std::string>& actions);

}  // namespace reprise
