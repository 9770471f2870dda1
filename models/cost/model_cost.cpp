#include "models/cost/model_cost.h"

#include <nlohmann/json.hpp>

#include "models/artifact/packing/estimate.h"
#include "models/parameters.h"

namespace reprise {
namespace {

std::vector<TensorShape> tensors_of(const ModelOptions& model) {
  std::vector<TensorShape> tensors;
  for (const ParameterShape& parameter : parameter_shapes(model))
    tensors.push_back({parameter.name, Form{}, parameter.shape});
  return stored_shapes(std::move(tensors), QuantiserOptions{});
}

StoredEstimate estimate(const ModelOptions& model, const std::vector<TensorShape>& tensors,
                        double code_bits) {
  ModelOptions named = model;
  const nlohmann::json section = OptionSet("size", "").add("model", named).resolved()["model"];
  return estimate_stored(section, tensors, code_bits);
}

std::vector<GroupCost> group_costs(const ModelOptions& model,
                                   const std::vector<TensorShape>& tensors,
                                   const StoredEstimate& stored) {
  std::vector<GroupCost> groups;
  for (const auto& [group, _] : EnumNames<ParameterGroup>::names) {
    GroupCost sum{.group = group};
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (group_of(model, tensors[i].name) != group) continue;
      sum.parameters += tensors[i].elements();
      sum.stored_bytes += stored.tensor_bytes[i];
    }
    if (sum.parameters > 0) groups.push_back(sum);
  }
  return groups;
}

/// With what a network does to its weights once for all tokens of the step.
StepFlops flops_of_step(const PassFlops& flops, const CostCase& c) {
  const auto tokens = static_cast<double>(c.step.sequences * c.step.length);
  const StepFlops binding = flops.binding(c.step.run);
  StepFlops step = c.step_flops;
  step += {binding.forward / tokens, binding.backward / tokens, 0};
  return step;
}

}  // namespace

ModelCost cost_of(const ModelOptions& model, const CostCase& c) {
  const PassFlops flops(model);
  const PassWork token = mean_position(model);
  const std::vector<TensorShape> tensors = tensors_of(model);
  const StoredEstimate stored = estimate(model, tensors, c.code_bits);
  ModelCost cost;
  cost.groups = group_costs(model, tensors, stored);
  for (const GroupCost& group : cost.groups) cost.parameters += group.parameters;
  cost.fixed_bytes = stored.fixed_bytes;
  cost.code_bytes = c.code_bytes;
  cost.stored_bytes = stored.bytes() + c.code_bytes;
  cost.base_flops = flops.base(token);
  cost.readout_flops = flops.readout(token);
  cost.refinement_flops = flops.refinement(token);
  cost.scoring_flops = cost.base_flops + c.refine_share * cost.refinement_flops;
  cost.step_flops = flops_of_step(flops, c);
  cost.step_memory = step_memory(model, c.step);
  cost.kv_bytes_per_token = kv_bytes_per_token(model, c.step.compute);
  return cost;
}

int64_t stored_bytes_of(const ModelOptions& model, const CostCase& c) {
  return estimate(model, tensors_of(model), c.code_bits).bytes() + c.code_bytes;
}

nlohmann::json to_json(const ModelCost& cost) {
  nlohmann::json groups = nlohmann::json::object();
  for (const GroupCost& group : cost.groups)
    groups[std::string(enum_name(group.group))] = {{"parameters", group.parameters},
                                                   {"stored_bytes", group.stored_bytes}};
  return {{"groups", groups},
          {"parameters", cost.parameters},
          {"fixed_bytes", cost.fixed_bytes},
          {"code_bytes", cost.code_bytes},
          {"stored_bytes", cost.stored_bytes},
          {"flops_per_token",
           {{"base", cost.base_flops},
            {"readout", cost.readout_flops},
            {"refinement", cost.refinement_flops},
            {"scoring", cost.scoring_flops},
            {"training_forward", cost.step_flops.forward},
            {"training_backward", cost.step_flops.backward},
            {"training_again", cost.step_flops.again}}},
          {"training_bytes",
           {{"weights", 4 * cost.parameters},
            {"gradients", 4 * cost.parameters},
            {"bound", cost.step_memory.bound_bytes},
            {"kept", cost.step_memory.kept_bytes},
            {"peak", cost.step_memory.peak_bytes}}},
          {"kv_bytes_per_token", cost.kv_bytes_per_token}};
}

}  // namespace reprise
