#include "eval/options.h"

namespace reprise {

void validate(const EvalOptions& options) {
  const auto demand = [](bool condition, const char* words) {
    require(condition, ExitCode::kUsage, words);
  };
  demand(options.window >= 0, "--eval.window must not be negative");
  demand(options.stride >= 0, "--eval.stride must not be negative");
  demand(options.unit_tokens > 0, "--eval.unit-tokens must be positive");
  demand(options.segment_units > 0, "--eval.segment-units must be positive");
  demand(options.batch_tokens > 0, "--eval.batch-tokens must be positive");
  demand(options.threads > 0, "--eval.threads must be positive");
  demand(options.early_tokens >= 0, "--eval.early-tokens must not be negative");
  demand(options.rare_share >= 0 && options.rare_share <= 1,
         "--eval.rare-share must be between 0 and 1");
  demand(options.check_windows > 0, "--eval.check-windows must be positive");
}

}  // namespace reprise
