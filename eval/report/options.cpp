#include "eval/report/options.h"

namespace reprise {

void validate(const ReportOptions& options) {
  require(options.documents >= 0, ExitCode::kUsage, "report.documents is negative");
  require(options.tokens >= 1, ExitCode::kUsage, "report.tokens must be above 0");
  require(options.curve_points >= 1, ExitCode::kUsage, "report.curve-points must be above 0");
}

}  // namespace reprise
