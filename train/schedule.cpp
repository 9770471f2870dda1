#include "train/schedule.h"

#include <algorithm>
#include <cmath>

namespace reprise {

void validate(const ScheduleOptions& options) {
  const auto in_unit = [](double value) { return value >= 0 && value < 1; };
  require(options.warm_down >= 0 && options.warm_down <= 1, ExitCode::kUsage, "train.warm-down is ",
          options.warm_down, "; it is a share of the steps, 0 to 1");
  require(in_unit(options.momentum) && in_unit(options.momentum_first), ExitCode::kUsage,
          "train.momentum and train.momentum-first lie in [0, 1)");
  require(options.momentum_steps >= 0, ExitCode::kUsage, "train.momentum-steps is negative");
  require(0 < options.freeze_mixing && options.freeze_mixing <= 1, ExitCode::kUsage,
          "train.freeze-mixing is ", options.freeze_mixing, "; it lies in (0, 1]");
}

double rate_factor(const ScheduleOptions& options, StepOf at) {
  const double falling = std::ceil(options.warm_down * static_cast<double>(at.steps));
  if (falling == 0) return 1;
  return std::min(1.0, static_cast<double>(at.steps - at.step) / falling);
}

bool mixing_learns(const ScheduleOptions& options, StepOf at) {
  return at.progress() < options.freeze_mixing;
}

double muon_momentum(const ScheduleOptions& options, StepOf at) {
  if (at.step >= options.momentum_steps) return options.momentum;
  const double warm = static_cast<double>(at.step) / static_cast<double>(options.momentum_steps);
  return options.momentum_first + warm * (options.momentum - options.momentum_first);
}

}  // namespace reprise
