#include "models/cost/recorded.h"

#include <algorithm>

#include "base/error.h"

namespace reprise {
namespace {

/// Leading prelude layers that hand over, by a skip, to a layer behind the prelude.
int64_t handed_over(const ModelOptions& model) {
  const int64_t skips = model.skip_count();
  return std::max<int64_t>(0, std::min({model.prelude, skips, 2 * skips - model.prelude}));
}

}  // namespace

RecordedRun recorded_run(const ModelOptions& model, const PassPlan& plan, const PassRun& run) {
  RecordedRun recorded;
  recorded.passes = run.passes > 0 ? run.passes : std::ssize(plan.passes);
  if (run.graph_passes > 0)
    recorded.first = std::max<int64_t>(0, recorded.passes - run.graph_passes);
  require(!recorded.is_truncated() || model.halting == Halting::kNone, ExitCode::kFailure,
          "halting weighs every pass, so backward goes through all of them");
  const bool read_again = model.reinjection != Reinjection::kNone;
  recorded.prelude =
      !recorded.is_truncated() || read_again ? plan.prelude.count : handed_over(model);
  return recorded;
}

}  // namespace reprise
