// Curves as JSON: what `reprise curves` writes. docs/curves.md names the fields.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "eval/curves/curve.h"

namespace reprise {

nlohmann::json curves_record(const Curves& curves);

}  // namespace reprise
