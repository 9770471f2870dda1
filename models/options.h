// The shape of a model. Everything that changes its parameters or its arithmetic is here, and
// nothing else.
#pragma once

#include <cstdint>

#include "base/options.h"

namespace reprise {

enum class Family { kStatic, kRecurrent };
template <>
struct EnumNames<Family> {
  static constexpr std::array names{std::pair{Family::kStatic, "static"},
                                    std::pair{Family::kRecurrent, "recurrent"}};
};

/// Where a layer normalises beside QK-norm.
enum class NormPlacement { kPre, kSandwich, kPeri };
template <>
struct EnumNames<NormPlacement> {
  static constexpr std::array names{std::pair{NormPlacement::kPre, "pre"},
                                    std::pair{NormPlacement::kSandwich, "sandwich"},
                                    std::pair{NormPlacement::kPeri, "peri"}};
};

/// How a pass sees again what the core began with.
enum class Reinjection { kNone, kMix, kProject, kBounded };
template <>
struct EnumNames<Reinjection> {
  static constexpr std::array names{
      std::pair{Reinjection::kNone, "none"}, std::pair{Reinjection::kMix, "mix"},
      std::pair{Reinjection::kProject, "project"}, std::pair{Reinjection::kBounded, "bounded"}};
};

struct ModelOptions {
  Family family = Family::kRecurrent;
  int64_t vocab = 1024, width = 256, heads = 4, kv_heads = 2;
  int64_t mlp_ratio = 2;
  int64_t prelude = 1, core = 2, coda = 1, passes = 2;
  int64_t context = 512;
  double rope_share = 1.0, rope_base = 10000, softcap = 30;
  bool tied = true, skips = false;
  int64_t embedding_rank = 0, lora_rank = 0;
  NormPlacement norm = NormPlacement::kPre;
  bool projection_norm = false;
  Reinjection reinjection = Reinjection::kNone;
  bool pass_embedding = false, film = false;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("family", family, "",
          "static: every layer runs once; recurrent: the core layers run again at every pass");
    field("vocab", vocab, "tokens", "vocabulary; must be the tokenizer's");
    field("width", width, "channels", "width of the residual stream");
    field("heads", heads, "heads", "query heads; divides width into an even head width");
    field("kv-heads", kv_heads, "heads", "key/value heads; divides heads");
    field("mlp-ratio", mlp_ratio, "x width", "width inside the MLP");
    field("prelude", prelude, "layers", "unique layers before the core");
    field("core", core, "layers", "layers that a pass runs, and that a refinement pass runs again");
    field("coda", coda, "layers", "unique layers behind the core");
    field("passes", passes, "passes",
          "times the core runs for every token; 1 for the static family");
    field("context", context, "tokens", "longest sequence");
    field("rope-share", rope_share, "share",
          "share of each head's channels that is rotated by position");
    field("rope-base", rope_base, "", "base of the rotary wavelengths");
    field("softcap", softcap, "", "logits are softcap * tanh(logits / softcap)");
    field("tied", tied, "",
          "the head is the embedding; false: a table of its own, which starts at 0");
    field("embedding-rank", embedding_rank, "channels",
          "of the embedding and the head, each with a projection between it and the width; 0: the "
          "width itself");
    field("skips", skips, "",
          "each layer of the first half is also added, by a weight per channel, in front of its "
          "mirror image in the second half");
    field(
        "norm", norm, "",
        "pre: what attention and MLP read; sandwich: also what they give; peri: only what enters a "
        "softmax");
    field("projection-norm", projection_norm, "",
          "normalise also what the output and down projections read");
    field("reinjection", reinjection, "",
          "recurrent: each pass begins with the stream and what entered the core: mixed per "
          "channel, projected together, or mixed with a decay below 1");
    field("pass-embedding", pass_embedding, "",
          "recurrent: a vector of each pass, added to the stream it begins with");
    field("film", film, "", "recurrent: a scale and a shift per channel of each pass");
    field("lora-rank", lora_rank, "channels",
          "recurrent: of each pass's own change to each matrix of the core; 0: none");
  }

  /// Whether each pass has a change of its own to the layer.
  bool changes_by_pass(int64_t layer) const {
    return lora_rank > 0 && prelude <= layer && layer < prelude + core;
  }
  int64_t layers() const { return prelude + core + coda; }
  int64_t head_width() const { return width / heads; }
  int64_t table_width() const { return embedding_rank > 0 ? embedding_rank : width; }
  int64_t skip_count() const { return skips ? layers() / 2 : 0; }
};

/// Throws kUsage, in one line, where the options contradict one another.
void validate(const ModelOptions& options);

}  // namespace reprise
