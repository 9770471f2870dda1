// The digest a record carries of itself, by which a reader knows that nobody changed it: "digest",
// SHA-256 of the object without that key.
#pragma once

#include <nlohmann/json.hpp>

namespace reprise {

nlohmann::json sealed(nlohmann::json record);
bool is_sealed(const nlohmann::json& record);

}  // namespace reprise
