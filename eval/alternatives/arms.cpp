#include "eval/alternatives/arms.h"

#include <algorithm>

#include "base/error.h"

namespace reprise {
namespace {

class Planner {
 public:
  explicit Planner(const ArmChoices& choices) : choices_(choices) {}

  ArmPlan plan() && {
    for (size_t state = 0; state < choices_.fitted.size(); ++state) add_state(state);
    for (size_t state = 0; state < choices_.fitted.size(); ++state) add_fitted(state);
    add_averages();
    if (choices_.has_second) add_ensemble();
    add_parallel();
    add_serial();
    return std::move(plan_);
  }

 private:
  size_t source(const Source& source) {
    const auto found = std::ranges::find(plan_.sources, source);
    const auto index = static_cast<size_t>(found - plan_.sources.begin());
    if (found == plan_.sources.end()) plan_.sources.push_back(source);
    return index;
  }
  size_t state_source(size_t state) {
    return source({Source::kState, static_cast<int64_t>(state)});
  }

  void add(Arm arm) { plan_.arms.push_back(std::move(arm)); }

  static ArmCost cost_of(size_t state) {
    ArmCost cost;
    cost.refinements = state == kAllState ? 1 : 0;
    cost.gated = state == kGatedState;
    return cost;
  }

  void add_state(size_t state) {
    Arm arm{kStateNames[state], {state_source(state)}};
    arm.cost = cost_of(state);
    add(arm);
  }

  void add_fitted(size_t state) {
    const FittedState& fitted = choices_.fitted[state];
    const auto fit = [&](const char* what, const ReadoutChange& change, int64_t numbers) {
      Arm arm{concat(kStateNames[state], "-", what), {state_source(state)}, Mixing::kLogits};
      arm.change = change;
      arm.fitted = what;
      arm.fitted_numbers = numbers;
      arm.cost = cost_of(state);
      add(arm);
    };
    fit("temperature", fitted.temperature.change, 1);
    if (choices_.fitted.size() > kGatedState) fit("temperature-by-gate", fitted.by_gate.change, 2);
    fit("readout", fitted.readout.change, fitted.readout.change.bias_V.numel() + 1);
  }

  void add_both(const std::string& name, const std::vector<size_t>& sources, const ArmCost& cost) {
    for (const auto& [mixing, what] :
         {std::pair{Mixing::kLogits, "logits"}, {Mixing::kProbabilities, "probabilities"}}) {
      Arm arm{concat("mean-", what, "-", name), sources, mixing};
      arm.cost = cost;
      add(arm);
    }
  }

  void add_averages() {
    if (choices_.base_passes > 1) {
      std::vector<size_t> passes;
      for (int64_t pass = 0; pass < choices_.base_passes; ++pass)
        passes.push_back(source({Source::kPass, pass}));
      ArmCost cost;
      cost.readouts = choices_.base_passes - 1;
      add_both("of-passes", passes, cost);
    }
    ArmCost cost = cost_of(kAllState);
    add_both("with-refined", {state_source(kNoneState), state_source(kAllState)}, cost);
  }

  void add_ensemble() {
    const size_t own = state_source(kNoneState), other = source({Source::kSecond});
    ArmCost second, both;
    second.own_base = false;
    second.second_base = both.second_base = true;
    Arm alone{"second", {other}}, mixed{"two-models", {own, other}}, best{"best-of-two", {own}};
    if (choices_.second_is_better) best.sources = {other}, best.cost = second;
    best.fitted = "choice";  // made on the valid split, and no number to store
    alone.cost = second;
    mixed.cost = both;
    for (const Arm& arm : {alone, best, mixed}) add(arm);
  }

  void add_parallel() {
    for (const double sigma : choices_.widths.noise)
      for (const int64_t count : choices_.widths.trajectories) {
        Arm arm{parallel_name(count, sigma), {}};
        for (int64_t k = 0; k < count; ++k)
          arm.sources.push_back(source({Source::kTrajectory, k, sigma}));
        arm.cost.refinements = count;
        add(arm);
      }
  }

  void add_serial() {
    for (const int64_t passes : choices_.widths.passes) {
      Arm arm{serial_name(passes),
              {passes == 1 ? state_source(kAllState) : source({Source::kSerial, passes})}};
      arm.cost.refinements = passes;
      arm.cost.spared_heads = passes - 1;
      add(arm);
    }
  }

  const ArmChoices& choices_;
  ArmPlan plan_;
};

}  // namespace

std::optional<size_t> ArmPlan::find(const std::string& name) const {
  const auto found = std::ranges::find(arms, name, &Arm::name);
  if (found == arms.end()) return std::nullopt;
  return static_cast<size_t>(found - arms.begin());
}

size_t ArmPlan::at(const std::string& name) const {
  const auto found = find(name);
  require(found.has_value(), ExitCode::kFailure, "there is no arm ", name);
  return *found;
}

std::string parallel_name(int64_t trajectories, double sigma) {
  return concat("parallel-", trajectories, "-noise-", sigma);
}
std::string serial_name(int64_t passes) { return concat("serial-", passes); }

ArmPlan plan_arms(const ArmChoices& choices) { return Planner(choices).plan(); }

}  // namespace reprise
