// What changes with the step: the share of training done, learning rates, Muon's momentum. Pure
// functions of the step, so that nothing of the schedule has to be saved.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace reprise {

struct ScheduleOptions {
  double warm_down = 0.4;
  double momentum_first = 0.85, momentum = 0.95;
  int64_t momentum_steps = 500;
  double freeze_mixing = 1;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("warm-down", warm_down, "share of steps",
          "learning rates fall linearly towards 0 over the last of training");
    field("momentum-first", momentum_first, "", "Muon's momentum at the first step");
    field("momentum", momentum, "", "Muon's momentum once it is warm");
    field("momentum-steps", momentum_steps, "steps", "over which Muon's momentum grows, linearly");
    field("freeze-mixing", freeze_mixing, "share of steps",
          "in which model.pass-mixing learns; behind them its weights stand still");
  }
};

/// Throws kUsage.
void validate(const ScheduleOptions& options);

/// Steps [0, steps) of a run; `step` of them lie behind.
struct StepOf {
  int64_t step = 0, steps = 1;
  double progress() const { return static_cast<double>(step) / static_cast<double>(steps); }
};

/// Factor on every learning rate: 1, then down linearly, so that the step behind the last would
/// have 0.
double rate_factor(const ScheduleOptions& options, StepOf at);

double muon_momentum(const ScheduleOptions& options, StepOf at);

/// Whether the weights of pass mixing still change in this step.
bool mixing_learns(const ScheduleOptions& options, StepOf at);

}  // namespace reprise
