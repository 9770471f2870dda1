// What alternatives came to, as JSON and as text for people. docs/alternatives.md names the fields.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "eval/alternatives/alternatives.h"

namespace reprise {

nlohmann::json alternatives_record(const Alternatives& alternatives);
std::string alternatives_table(const Alternatives& alternatives);

}  // namespace reprise
