// JSON from a file nobody vouches for.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace reprise {

/// Throws kBadInput unless `text` is JSON in the form this project writes (sorted keys, no white
/// space, no key twice) and nested at most 16 deep, which bounds every recursion over it.
nlohmann::json parse_canonical_json(std::string_view text);

}  // namespace reprise
