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

struct ModelOptions {
  Family family = Family::kRecurrent;
  int64_t vocab = 1024, width = 256, heads = 4, kv_heads = 2;
  int64_t mlp_ratio = 2;
  int64_t prelude = 1, core = 2, coda = 1, passes = 2;
  int64_t context = 512;
  double rope_share = 1.0, rope_base = 10000, softcap = 30;
  bool tied = true, skips = false;
  int64_t embedding_rank = 0;

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
  }

  int64_t layers() const { return prelude + core + coda; }
  int64_t head_width() const { return width / heads; }
  int64_t table_width() const { return embedding_rank > 0 ? embedding_rank : width; }
  int64_t skip_count() const { return skips ? layers() / 2 : 0; }
};

/// Throws kUsage, in one line, where the options contradict one another.
void validate(const ModelOptions& options);

}  // namespace reprise
