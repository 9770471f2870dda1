#include "train/gate/options.h"

#include "base/comm/device.h"
#include "train/compute.h"

namespace reprise {
namespace {

constexpr int64_t kMostSequences = 1 << 20;

void require_paths(const GateOptions& options) {
  for (const auto& [name, path] :
       {std::pair{"model", &options.model}, {"corpus", &options.corpus}, {"out", &options.out}})
    require(!path->empty(), ExitCode::kUsage, "--gate.", name,
            " is missing; see reprise gate --help");
  const bool stored = options.passes == PassesFrom::kStored;
  require(!stored || !options.store.empty(), ExitCode::kUsage,
          "no place for the stored passes; give --gate.store, a folder");
  require(stored || options.store.empty(), ExitCode::kUsage, "gate.store is ", options.store,
          ", but gate.passes live stores nothing; give --gate.passes stored or no store");
}

}  // namespace

void validate(const GateOptions& options) {
  require_paths(options);
  validate(options.head);
  validate(options.objective);
  require(options.steps >= 1, ExitCode::kUsage, "gate.steps is ", options.steps, "; at least 1");
  require(1 <= options.sequences && options.sequences <= kMostSequences, ExitCode::kUsage,
          "gate.sequences is ", options.sequences, "; it must be from 1 to ", kMostSequences);
  require(0 <= options.batches && options.batches <= options.steps, ExitCode::kUsage,
          "gate.batches is ", options.batches, "; it must be from 1 to gate.steps, ", options.steps,
          ", or 0 for as many");
  require(1 <= options.valid_sequences && options.valid_sequences <= kMostSequences,
          ExitCode::kUsage, "gate.valid-sequences is ", options.valid_sequences,
          "; it must be from 1 to ", kMostSequences);
  require(options.rate >= 0 && options.weight_decay >= 0, ExitCode::kUsage,
          "gate.rate or gate.weight-decay is negative");
  require(0 <= options.warm_down && options.warm_down <= 1, ExitCode::kUsage, "gate.warm-down is ",
          options.warm_down, "; it is a share of the steps, 0 to 1");
  require(options.seed >= 0, ExitCode::kUsage, "gate.seed is negative");
  require(options.checkpoint_every >= 0, ExitCode::kUsage, "gate.checkpoint-every is negative");
  validate_threads(options.threads, "gate.threads");
  require_available(options.device, "gate.device", find_gpus());

  const bool any_later = options.objective.target == GateTarget::kAnyLaterGain;
  require(!any_later || options.observe.later >= 1, ExitCode::kUsage,
          "gate.target any-later-gain compares with later base passes; give --gate.later, at least "
          "1, or take gain");
  require(any_later || options.observe.later == 0 || options.passes == PassesFrom::kStored,
          ExitCode::kUsage, "gate.later is ", options.observe.later, ", but gate.target ",
          enum_name(options.objective.target), " reads no later pass; give 0, or store the passes");
}

void validate(const GateOptions& options, const ModelOptions& model) {
  validate(options.observe, model);
  const bool ranks_pairs =
      options.objective.target == GateTarget::kRegression && options.objective.ranking > 0;
  require(!ranks_pairs || model.context >= 2, ExitCode::kUsage,
          "gate.ranking pairs the positions of a sequence, which has ", model.context,
          " here; give 0");
}

}  // namespace reprise
