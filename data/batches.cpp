#include "data/batches.h"

#include <algorithm>

#include "base/error.h"
#include "base/random.h"

namespace reprise {

BatchSampler::BatchSampler(const Corpus& corpus, Split split, int64_t context,
                           int64_t global_sequences, uint64_t seed)
    : corpus_(corpus),
      split_(split),
      context_(context),
      global_sequences_(global_sequences),
      seed_(seed) {
  require(context >= 1 && global_sequences >= 1, ExitCode::kUsage, "a batch of ", global_sequences,
          " sequences of ", context, " tokens holds nothing");
  windows_ = std::max<int64_t>(0, corpus.tokens(split) - 1) / context;
  require(windows_ >= global_sequences, ExitCode::kBadInput, "the ", enum_name(split), " split of ",
          corpus.tokens(split), " tokens is shorter than one batch of ", global_sequences,
          " sequences of ", context, " tokens; add text or make the batch smaller");
}

TokenBatch BatchSampler::sequences(int64_t step, int64_t first, int64_t count) const {
  require(step >= 0 && first >= 0 && count >= 0 && first + count <= global_sequences_,
          ExitCode::kFailure, "sequences ", first, " to ", first + count, " of a batch of ",
          global_sequences_);
  TokenBatch batch{count, context_, {}, {}};
  std::vector<Token> window(static_cast<size_t>(context_) + 1);
  for (int64_t sequence = first; sequence < first + count; ++sequence) {
    const int64_t drawn = step * global_sequences_ + sequence;  // an epoch may end inside a batch
    const RandomStream order(seed_, Purpose::kBatch, static_cast<uint32_t>(drawn / windows_));
    const uint64_t index =
        permute(order, static_cast<uint64_t>(drawn % windows_), static_cast<uint64_t>(windows_));
    corpus_.read(split_, static_cast<int64_t>(index) * context_, window);
    batch.inputs.insert(batch.inputs.end(), window.begin(), window.end() - 1);
    batch.targets.insert(batch.targets.end(), window.begin() + 1, window.end());
  }
  return batch;
}

}  // namespace reprise
