// How a trace records the checks of its evaluation (eval/checks.h): one form for whoever writes it
// and whoever reads it.
//
//   {"normalisation": {"run": true, "passed": true, "measured": 3e-9, "tolerance": 1e-6},
//    "sparse_equals_dense": {"run": false}}
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "base/options.h"
#include "eval/trace/columns.h"

namespace reprise {

/// What is checked on samples before anything is scored; eval/checks.h says how.
enum class Check : size_t { kPrediction, kGate, kRefined, kNormalisation, kSparse };
template <>
struct EnumNames<Check> {
  static constexpr std::array names{std::pair{Check::kPrediction, "causality_prediction"},
                                    std::pair{Check::kGate, "causality_gate"},
                                    std::pair{Check::kRefined, "causality_refined"},
                                    std::pair{Check::kNormalisation, "normalisation"},
                                    std::pair{Check::kSparse, "sparse_equals_dense"}};
};

/// Whether an evaluation with these passes has something to check there.
bool applies(Check check, Passes passes);

/// The entry of one check; without `measured` it was not run.
nlohmann::json check_record(std::optional<double> measured, double tolerance);

/// Throws kInvalidTrace, its line starting with `name`, unless every check that applies to `passes`
/// is recorded, was run and has passed, and every other one that is recorded has passed or was not
/// run.
void require_checks_passed(const nlohmann::json& checks, Passes passes, std::string_view name);

}  // namespace reprise
