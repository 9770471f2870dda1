// What the corpus of a study is made from, in one word.
#pragma once

#include <span>
#include <string>

namespace reprise {

/// SHA-256, in hex, of the names, lengths and modification times of every file under `paths`
/// ("domain:path" or "path"). Reads no contents. Throws kBadInput where a path is not there.
std::string digest_of_sources(std::span<const std::string> paths);

}  // namespace reprise
