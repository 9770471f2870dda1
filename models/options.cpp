#include "models/options.h"

#include <cmath>

namespace reprise {

namespace {

void at_least(int64_t value, int64_t least, const char* name) {
  require(value >= least, ExitCode::kUsage, "model.", name, " is ", value, "; it must be at least ",
          least);
}

void validate_heads(const ModelOptions& options) {
  require(options.width % options.heads == 0, ExitCode::kUsage, "model.heads (", options.heads,
          ") does not divide model.width (", options.width, ")");
  require(options.head_width() % 2 == 0, ExitCode::kUsage, "model.width / model.heads is ",
          options.head_width(), "; it must be even, since channels are rotated in pairs");
  require(options.heads % options.kv_heads == 0, ExitCode::kUsage, "model.kv-heads (",
          options.kv_heads, ") does not divide model.heads (", options.heads, ")");
}

}  // namespace

void validate(const ModelOptions& options) {
  at_least(options.vocab, 2, "vocab");
  at_least(options.width, 2, "width");
  at_least(options.heads, 1, "heads");
  at_least(options.kv_heads, 1, "kv-heads");
  at_least(options.mlp_ratio, 1, "mlp-ratio");
  at_least(options.prelude, 0, "prelude");
  at_least(options.core, 1, "core");
  at_least(options.coda, 0, "coda");
  at_least(options.passes, 1, "passes");
  at_least(options.context, 1, "context");
  validate_heads(options);
  require(
      options.family != Family::kStatic || options.passes == 1, ExitCode::kUsage,
      "model.passes is ", options.passes,
      " with model.family static, whose layers run once; set passes to 1 or family to recurrent");
  require(options.rope_share >= 0 && options.rope_share <= 1, ExitCode::kUsage,
          "model.rope-share is ", options.rope_share, "; it must lie in [0, 1]");
  require(std::isfinite(options.rope_base) && options.rope_base > 1, ExitCode::kUsage,
          "model.rope-base is ", options.rope_base, "; it must be above 1");
  require(std::isfinite(options.softcap) && options.softcap > 0, ExitCode::kUsage,
          "model.softcap is ", options.softcap, "; it must be positive");
}

}  // namespace reprise
