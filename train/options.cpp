#include "train/options.h"

#include <ATen/ATen.h>

namespace reprise {

void validate(const TrainOptions& options, const ModelOptions& model) {
  validate(model);
  validate(options.objective, model);
  validate(options.optimiser);
  validate(options.schedule);
  require(!options.corpus.empty(), ExitCode::kUsage,
          "no corpus; give --train.corpus, a folder that `reprise data` wrote");
  require(!options.out.empty(), ExitCode::kUsage, "no place for the model; give --train.out");
  require(options.steps >= 1, ExitCode::kUsage, "train.steps is ", options.steps, "; at least 1");
  require(options.sequences >= 1, ExitCode::kUsage, "train.sequences is ", options.sequences,
          "; at least 1");
  require(options.micro_sequences >= 0, ExitCode::kUsage, "train.micro-sequences is negative");
  require(options.seed >= 0, ExitCode::kUsage, "train.seed is negative");
  require(options.threads >= 0, ExitCode::kUsage, "train.threads is negative");
  require(options.checkpoint_every >= 0, ExitCode::kUsage, "train.checkpoint-every is negative");
}

at::ScalarType compute_type(Precision precision) {
  return precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat;
}

}  // namespace reprise
