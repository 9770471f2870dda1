// The tiny models at a size where every part of a cost shows.
#pragma once

#include "tests/models/variants.h"

namespace reprise::test {

struct Wider {
  int64_t width = 0, vocab = 0, context = 0;
};

inline ModelOptions wider(ModelOptions options, const Wider& to) {
  options.width = to.width, options.vocab = to.vocab, options.context = to.context;
  options.heads = 4, options.kv_heads = 2;
  if (options.embedding_rank > 0) options.embedding_rank = to.width / 4;
  if (options.family == Family::kMoe) options.experts.width = to.width / 2;
  if (options.family == Family::kPartial)
    options.basis_rank = to.width / 2, options.basis_terms = to.width / 8;
  if (options.lora_rank > 0) options.lora_rank = 4;
  return options;
}

/// Whether backward may go through the last passes only. Halting weighs every pass, so the network
/// refuses to leave any out of backward (Network::base_passes).
inline bool truncates(const ModelOptions& options) {
  return loops(options.family) && options.halting == Halting::kNone;
}

}  // namespace reprise::test
