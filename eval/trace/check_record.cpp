#include "eval/trace/check_record.h"

#include <nlohmann/json.hpp>

namespace reprise {
namespace {

bool says(const nlohmann::json& entry, const char* key) {
  return entry.is_object() && entry.value(key, nlohmann::json(false)) == true;
}

}  // namespace

bool applies(Check check, Passes passes) {
  return passes == Passes::kRefined || check == Check::kPrediction ||
         check == Check::kNormalisation;
}

nlohmann::json check_record(std::optional<double> measured, double tolerance) {
  if (!measured) return {{"run", false}};
  return {{"run", true},
          {"passed", *measured <= tolerance},
          {"measured", *measured},
          {"tolerance", tolerance}};
}

void require_checks_passed(const nlohmann::json& checks, Passes passes, std::string_view name) {
  for (const auto& [check, word] : EnumNames<Check>::names) {
    require(checks.is_object() && checks.contains(word), ExitCode::kInvalidTrace, name,
            ": records no check '", word, "'; evaluate the artifact again");
    require(says(checks.at(word), "run") || !applies(check, passes), ExitCode::kInvalidTrace, name,
            ": the check '", word,
            "' was not run when the trace was taken; no verdict rests on it");
  }
  for (const auto& [word, entry] : checks.items()) {
    const bool left_out = entry.is_object() && entry.contains("run") && entry.at("run") == false;
    require(left_out || says(entry, "passed"), ExitCode::kInvalidTrace, name, ": the check '", word,
            "' did not pass when the trace was taken; no verdict rests on it");
  }
}

}  // namespace reprise
