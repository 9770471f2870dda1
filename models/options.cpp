#include "models/options.h"

#include "models/parameter_shapes.h"

namespace reprise {

namespace {

// Far beyond what a machine trains; what lies behind is a slip of the hand, whose memory or time
// would run out without a word.
constexpr int64_t kMostLayers = 1024, kMostPasses = 1024, kMostMlpRatio = 1024;
constexpr int64_t kMostExperts = 1024;
// Where rows of another length begin, libraries multiply them in another order (models/routing.h).
constexpr int64_t kExpertChannels = 8;
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

/// Refuses what the family has no place for, where it is asked for.
void belongs(bool given, const char* name, bool takes, const char* to,
             const ModelOptions& options) {
  require(!given || takes, ExitCode::kUsage, "model.", name, " belongs to ", to,
          "; model.family is ", enum_name(options.family));
}

/// What tells one pass from another needs passes.
void validate_interfaces(const ModelOptions& options) {
  const auto of_passes = [&](bool given, const char* name) {
    belongs(given, name, loops(options.family),
            "the passes of the recurrent, relaxed and moe families", options);
  };
  of_passes(options.reinjection != Reinjection::kNone, "reinjection");
  of_passes(options.pass_embedding, "pass-embedding");
  of_passes(options.film, "film");
  of_passes(options.pass_mixing, "pass-mixing");
  of_passes(options.halting != Halting::kNone, "halting");
  const bool relaxed = options.family == Family::kRelaxed;
  belongs(options.lora_rank != 0, "lora-rank", relaxed || options.family == Family::kRecurrent,
          "the recurrent and relaxed families", options);
  within(options.lora_rank, relaxed ? 1 : 0, options.width, "lora-rank");
}

void validate_experts(const ModelOptions& options) {
  const ExpertOptions& experts = options.experts;
  const bool moe = options.family == Family::kMoe;
  const auto of_moe = [&](int64_t value, const char* name) {
    belongs(value != 0, name, moe, "the moe family", options);
  };
  of_moe(experts.count, "experts");
  of_moe(experts.top_k, "top-k");
  of_moe(experts.width, "expert-width");
  of_moe(experts.attention_count, "attention-experts");
  of_moe(experts.attention_top_k, "attention-top-k");
  if (!moe) return;
  within(experts.count, 1, kMostExperts, "experts");
  within(experts.top_k, 1, experts.count, "top-k");
  within(experts.width, 1, kMostWidth, "expert-width");
  require(experts.width % kExpertChannels == 0, ExitCode::kUsage, "model.expert-width is ",
          experts.width, "; it must be a multiple of ", kExpertChannels,
          ", so that rows of every expert begin at a whole vector");
  within(experts.attention_count, 0, kMostExperts, "attention-experts");
  within(experts.attention_top_k, experts.attention_count > 0 ? 1 : 0, experts.attention_count,
         "attention-top-k");
}

void validate_basis(const ModelOptions& options) {
  const bool partial = options.family == Family::kPartial;
  belongs(options.basis_rank != 0, "basis-rank", partial, "the partial family", options);
  belongs(options.basis_terms != 0, "basis-terms", partial, "the partial family", options);
  if (!partial) return;
  within(options.basis_rank, 1, options.width, "basis-rank");
  within(options.basis_terms, 1, options.basis_rank, "basis-terms");
}

void validate_halting(const ModelOptions& options) {
  require(0 < options.halt_threshold && options.halt_threshold < 1, ExitCode::kUsage,
          "model.halt-threshold is ", options.halt_threshold, "; it lies in (0, 1)");
  within(options.halt_floor, 1, kMostPasses, "halt-floor");
  if (options.halting == Halting::kNone) return;
  require(options.halt_floor < options.passes, ExitCode::kUsage, "model.halting ",
          enum_name(options.halting), " has nothing to decide: model.halt-floor is ",
          options.halt_floor, " and the last of model.passes, which takes whoever is left, is ",
          options.passes);
  require(options.readout == Readout::kLast, ExitCode::kUsage,
          "model.halting takes one state of a position, model.readout sum a sum over all; set one "
          "of them");
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
  require(loops(options.family) || options.passes == 1, ExitCode::kUsage, "model.passes is ",
          options.passes, " with model.family ", enum_name(options.family),
          ", whose layers run once; set passes to 1 or family to recurrent");
  validate_interfaces(options);
  validate_halting(options);
  validate_experts(options);
  validate_basis(options);
  within(options.rope_share, 0.0, 1.0, "rope-share");
  require(options.rope_base > 1 && options.rope_base <= kLargestRopeBase, ExitCode::kUsage,
          "model.rope-base is ", options.rope_base, "; it must be above 1 and at most ",
          kLargestRopeBase);
  within(options.softcap, kLeastSoftcap, kLargestSoftcap, "softcap");
  validate_size(options);
}

}  // namespace reprise
