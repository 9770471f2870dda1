#include "models/pass_plan.h"

namespace reprise {

PassPlan make_pass_plan(const ModelOptions& options) {
  validate(options);
  const LayerRange core{options.prelude, options.core};
  PassPlan plan;
  plan.prelude = {0, options.prelude};
  plan.passes.assign(static_cast<size_t>(options.passes), core);
  plan.coda = {options.prelude + options.core, options.coda};
  plan.refinement = core;
  return plan;
}

}  // namespace reprise
