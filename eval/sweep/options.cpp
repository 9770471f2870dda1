#include "eval/sweep/options.h"

#include "base/parallel.h"
#include "eval/curves/options.h"
#include "eval/sweep/controls.h"

namespace reprise {

void validate(const SweepOptions& options) {
  parse_gates(options.gates, "sweep.gates");
  parse_controls(options.controls);
  for (const double budget : options.budgets.empty()
                                 ? std::vector<double>{}
                                 : parse_budgets(options.budgets, "sweep.budgets"))
    require(budget > 0, ExitCode::kUsage,
            "sweep.budgets: a budget of 0 refines nothing, as none does");
  require(0 < options.threads && options.threads <= kMostThreads, ExitCode::kUsage,
          "--sweep.threads is ", options.threads, "; it must be from 1 to ", kMostThreads);
  require(options.draws > 0, ExitCode::kUsage, "sweep.draws must be above 0");
  require(options.seed >= 0, ExitCode::kUsage, "sweep.seed must not be negative");
}

}  // namespace reprise
