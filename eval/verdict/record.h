// verdict.json: the assessment with everything it rests on, for the report and for whoever checks
// it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "eval/verdict/assessment.h"

namespace reprise {

/// docs/verdict.md lists the fields. Holds no time and no host: the same traces and options give
/// the same bytes.
nlohmann::json verdict_record(const Assessment& assessment, const Arms& arms,
                              const VerdictOptions& options);

}  // namespace reprise
