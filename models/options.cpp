#include "models/options.h"

#include "models/parameters.h"

namespace reprise {

namespace {

// Far beyond what a machine trains; what lies behind is a slip of the hand, whose memory or time
// would run out without a word.
constexpr int64_t kMostLayers = 1024, kMostPasses = 1024, kMostMlpRatio = 1024;
constexpr int64_t kMostVocab = 1 << 16;  // a stored token has two bytes
constexpr int64_t kMostWidth = 1 << 16, kMostContext = 1 << 20;
constexpr int64_t kMostWeights = int64_t{1} << 31;
// Within these, fp32 holds the wavelengths, the quotient by the cap and the sum of a batch's nats.
constexpr double kLargestRopeBase = 1e12, kLeastSoftcap = 1e-3, kLargestSoftcap = 1e6;

void within(int64_t value, int64_t least, int64_t most, const char* name) {
  require(least <= value && value <= most, ExitCode::kUsage, "model.", name, " is ", value,
          "; it must be from ", least, " to ", most);
}

void within(double value, double least, double most, const char* name) {
  require(least <= value && value <= most, ExitCode::kUsage, "model.", name, " is ", value,
          "; it must be from ", least, " to ", most);
}

/// Every factor lies in its range by now, so that no product overflows.
void validate_size(const ModelOptions& options) {
  require(options.layers() <= kMostLayers, ExitCode::kUsage,
          "model.prelude, model.core and model.coda are together ", options.layers(),
          " layers; at most ", kMostLayers);
  const int64_t weights = element_count(options);
  require(weights <= kMostWeights, ExitCode::kUsage, "the model would have ", weights,
          " weights; at most ", kMostWeights);
}

void validate_heads(const ModelOptions& options) {
  require(options.width % options.heads == 0, ExitCode::kUsage, "model.heads (", options.heads,
          ") does not divide model.width (", options.width, ")");
  require(options.head_width() % 2 == 0, ExitCode::kUsage, "model.width / model.heads is ",
          options.head_width(), "; it must be even, since channels are rotated in pairs");
  require(options.heads % options.kv_heads == 0, ExitCode::kUsage, "model.kv-heads (",
          options.kv_heads, ") does not divide model.heads (", options.heads, ")");
}

/// What tells one pass from another needs more than one.
void validate_interfaces(const ModelOptions& options) {
  const auto recurrent_only = [&](bool given, const char* name) {
    require(!given || options.family == Family::kRecurrent, ExitCode::kUsage, "model.", name,
            " belongs to the passes of the recurrent family; model.family is ",
            enum_name(options.family));
  };
  recurrent_only(options.reinjection != Reinjection::kNone, "reinjection");
  recurrent_only(options.pass_embedding, "pass-embedding");
  recurrent_only(options.film, "film");
  recurrent_only(options.lora_rank > 0, "lora-rank");
  const int64_t narrowest = options.kv_heads * options.head_width();
  require(0 <= options.lora_rank && options.lora_rank <= narrowest, ExitCode::kUsage,
          "model.lora-rank is ", options.lora_rank, "; it must be from 0 to ", narrowest,
          ", the rank of the narrowest matrix");
}

}  // namespace

void validate(const ModelOptions& options) {
  within(options.vocab, 2, kMostVocab, "vocab");
  within(options.width, 2, kMostWidth, "width");
  within(options.heads, 1, options.width, "heads");
  within(options.kv_heads, 1, options.heads, "kv-heads");
  within(options.mlp_ratio, 1, kMostMlpRatio, "mlp-ratio");
  within(options.prelude, 0, kMostLayers, "prelude");
  within(options.core, 1, kMostLayers, "core");
  within(options.coda, 0, kMostLayers, "coda");
  within(options.passes, 1, kMostPasses, "passes");
  within(options.embedding_rank, 0, options.width - 1, "embedding-rank");
  require(!options.skips || options.layers() >= 2, ExitCode::kUsage,
          "model.skips joins layers of the first half to those of the second; the model has ",
          options.layers());
  within(options.context, 1, kMostContext, "context");
  validate_heads(options);
  require(
      options.family != Family::kStatic || options.passes == 1, ExitCode::kUsage,
      "model.passes is ", options.passes,
      " with model.family static, whose layers run once; set passes to 1 or family to recurrent");
  validate_interfaces(options);
  within(options.rope_share, 0.0, 1.0, "rope-share");
  require(options.rope_base > 1 && options.rope_base <= kLargestRopeBase, ExitCode::kUsage,
          "model.rope-base is ", options.rope_base, "; it must be above 1 and at most ",
          kLargestRopeBase);
  within(options.softcap, kLeastSoftcap, kLargestSoftcap, "softcap");
  validate_size(options);
}

}  // namespace reprise
