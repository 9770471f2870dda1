#include "train/options.h"

#include <ATen/ATen.h>

#include "base/comm/device.h"
#include "train/compute.h"

namespace reprise {
namespace {

constexpr int64_t kMostSequences = 1 << 20;

}  // namespace

void validate_recipe(const TrainOptions& options, const ModelOptions& model) {
  validate(model);
  validate(options.objective, model);
  validate(options.optimiser);
  validate(options.schedule);
  require(options.schedule.freeze_mixing == 1 || model.pass_mixing, ExitCode::kUsage,
          "train.freeze-mixing is ", options.schedule.freeze_mixing,
          ", but the model mixes no passes; set model.pass-mixing true");
  require(options.steps >= 1, ExitCode::kUsage, "train.steps is ", options.steps, "; at least 1");
  require(1 <= options.sequences && options.sequences <= kMostSequences, ExitCode::kUsage,
          "train.sequences is ", options.sequences, "; it must be from 1 to ", kMostSequences);
  require(options.micro_sequences >= 0, ExitCode::kUsage, "train.micro-sequences is negative");
  require(options.seed >= 0, ExitCode::kUsage, "train.seed is negative");
}

void validate(const TrainOptions& options, const ModelOptions& model) {
  validate_recipe(options, model);
  require(!options.corpus.empty(), ExitCode::kUsage,
          "no corpus; give --train.corpus, a folder that `reprise data` wrote");
  require(!options.out.empty(), ExitCode::kUsage, "no place for the model; give --train.out");
  validate_threads(options.threads, "train.threads");
  require_available(options.device, "train.device", find_gpus());
  require(options.checkpoint_every >= 0, ExitCode::kUsage, "train.checkpoint-every is negative");
}

at::ScalarType compute_type(Precision precision) {
  return precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat;
}

}  // namespace reprise
