#include "models/pass_plan.h"

#include <algorithm>

namespace reprise {
namespace {

/// What the family makes of a layer that its passes run.
LayerPlan plan_core_layer(const ModelOptions& options) {
  switch (options.family) {
    case Family::kStatic:
      break;
    case Family::kRecurrent:
      return {.change_rank = options.lora_rank};
    case Family::kRelaxed:
      return {.change_rank = options.lora_rank, .own_scalars = true};
    case Family::kMoe:
      return {.mlp = MlpKind::kExperts, .attention_experts = options.experts.attention_count > 0};
    case Family::kPartial:
      return {.mlp = MlpKind::kBasis};
  }
  return {};
}

/// And of one before or behind them.
LayerPlan plan_outer_layer(const ModelOptions& options) {
  return {.mlp = options.family == Family::kPartial ? MlpKind::kBasis : MlpKind::kDense};
}

}  // namespace

std::vector<LayerPlan> plan_layers(const ModelOptions& options) {
  std::vector<LayerPlan> layers(static_cast<size_t>(options.layers()), plan_outer_layer(options));
  const auto first = layers.begin() + options.prelude;
  std::fill(first, first + options.core, plan_core_layer(options));
  return layers;
}

void validate(const PassPlan& plan) {
  const int64_t layers = std::ssize(plan.layers);
  const auto require_layers = [&](const LayerRange& range, const std::string& who) {
    require(0 <= range.first && 0 <= range.count && range.first + range.count <= layers,
            ExitCode::kUsage, "the pass plan's ", who, " runs layers ", range.first, " to ",
            range.first + range.count - 1, " of a model of ", layers);
  };
  require(!plan.passes.empty(), ExitCode::kUsage, "the pass plan has no pass over the core");
  require_layers(plan.prelude, "prelude");
  for (size_t pass = 0; pass < plan.passes.size(); ++pass)
    require_layers(plan.passes[pass].layers, concat("pass ", pass + 1));
  require_layers(plan.coda, "coda");
  require_layers(plan.refinement.layers, "refinement pass");
}

PassPlan make_pass_plan(const ModelOptions& options) {
  validate(options);
  const LayerRange core{options.prelude, options.core};
  PassPlan plan;
  plan.layers = plan_layers(options);
  plan.prelude = {0, options.prelude};
  for (int64_t pass = 0; pass < options.passes; ++pass) plan.passes.push_back({core, pass});
  plan.coda = {options.prelude + options.core, options.coda};
  plan.refinement = plan.passes.back();
  validate(plan);
  return plan;
}

}  // namespace reprise
