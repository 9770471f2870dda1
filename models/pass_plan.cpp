#include "models/pass_plan.h"

namespace reprise {

PassPlan make_pass_plan(const ModelOptions& options) {
  validate(options);
  const LayerRange core{options.prelude, options.core};
  PassPlan plan;
  plan.prelude = {0, options.prelude};
  for (int64_t pass = 0; pass < options.passes; ++pass) plan.passes.push_back({core, pass});
  plan.coda = {options.prelude + options.core, options.coda};
  plan.refinement = plan.passes.back();
  return plan;
}

}  // namespace reprise
