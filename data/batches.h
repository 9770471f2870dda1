// Training batches: a pure function of (seed, step), the same for any number of ranks.
#pragma once

#include <cstdint>
#include <vector>

#include "data/corpus.h"

namespace reprise {

/// Row-major [sequences][length]; targets are the inputs one position later.
struct TokenBatch {
  int64_t sequences = 0, length = 0;
  std::vector<int64_t> inputs, targets;
};

/// Cuts the train stream into windows of `context` + 1 tokens (one shared with the next) and visits
/// them in an order drawn anew for every epoch. Windows cross document boundaries;
/// begin-of-document marks them.
class BatchSampler {
 public:
  /// Throws kBadInput where the split is shorter than one global batch.
  BatchSampler(const Corpus& corpus, Split split, int64_t context, int64_t global_sequences,
               uint64_t seed);

  /// Sequences [first, first + count) of the global batch of `step`.
  TokenBatch sequences(int64_t step, int64_t first, int64_t count) const;
  int64_t global_sequences() const { return global_sequences_; }

 private:
  const Corpus& corpus_;
  Split split_;
  int64_t context_, global_sequences_, windows_;
  uint64_t seed_;
};

}  // namespace reprise
