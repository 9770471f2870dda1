#include "eval/checks.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace reprise {
namespace {

/// Base passes and gates are the same operations on the same shapes, so nothing at all may move. A
/// distribution is summed in double precision over float32 exponentials.
double tolerance_of(Check check, Arithmetic arithmetic) {
  switch (check) {
    case Check::kPrediction:
    case Check::kGate:
      return 0;
    case Check::kNormalisation:
      return 1e-6;
    case Check::kRefined:
    case Check::kSparse:
      break;
  }
  return rounding_tolerance(arithmetic);
}

}  // namespace

double rounding_tolerance(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::kBf16 ? 2 : 16;
}

double epsilon_of(Arithmetic arithmetic) {
  constexpr double kBf16Epsilon = 0x1p-7;  // eight bits of significand
  return arithmetic == Arithmetic::kBf16 ? kBf16Epsilon
                                         : double{std::numeric_limits<float>::epsilon()};
}

std::vector<CheckResult> run_checks(const CheckedOperations& operations,
                                    const std::vector<ScoringBatch>& samples, Arithmetic arithmetic,
                                    Communicator& comm) {
  Measured worst = nothing_measured();
  for (size_t i = static_cast<size_t>(comm.rank()); i < samples.size();
       i += static_cast<size_t>(comm.size())) {
    const Measured measured = check_sample(operations, samples[i], epsilon_of(arithmetic));
    for (size_t check = 0; check < worst.size(); ++check) keep_worse(worst[check], measured[check]);
  }
  comm.all_reduce(Buffer::of(worst.data(), std::ssize(worst)), Reduction::kMax);
  std::vector<CheckResult> results;
  for (const auto& [check, _] : EnumNames<Check>::names) {
    const double measured = worst[static_cast<size_t>(check)];
    results.push_back({check, measured == kNothingCompared ? std::nullopt : std::optional(measured),
                       tolerance_of(check, arithmetic)});
  }
  return results;
}

void require_passed(const std::vector<CheckResult>& checks, Passes passes) {
  for (const auto& [check, measured, tolerance] : checks) {
    require(measured || !applies(check, passes), ExitCode::kInvalidTrace, "the check ",
            enum_name(check), " could not be run: no window is long enough; nothing was scored");
    require(!measured || *measured <= tolerance, ExitCode::kInvalidTrace, "the check ",
            enum_name(check), " failed: ", measured.value_or(0), " exceeds ", tolerance,
            "; nothing was scored");
  }
}

nlohmann::json to_json(const std::vector<CheckResult>& checks) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [check, measured, tolerance] : checks)
    json[std::string(enum_name(check))] = check_record(measured, tolerance);
  return json;
}

}  // namespace reprise
