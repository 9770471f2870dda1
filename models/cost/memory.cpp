#include "models/cost/memory.h"

#include "models/cost/network_walk.h"

namespace reprise {

StepMemory step_memory(const ModelOptions& model, const MemoryCase& c) {
  return NetworkWalk(model, c).run();
}

int64_t kv_bytes_per_token(const ModelOptions& model, at::ScalarType compute) {
  const PassPlan plan = make_pass_plan(model);
  const int64_t codas = model.readout == Readout::kSum ? std::ssize(plan.passes) : 1;
  int64_t layers = plan.prelude.count + codas * plan.coda.count;
  for (const CorePass& pass : plan.passes) layers += pass.layers.count;
  const int64_t keys_and_values = 2 * model.kv_heads * model.head_width();
  return layers * keys_and_values * static_cast<int64_t>(c10::elementSize(compute));
}

}  // namespace reprise
