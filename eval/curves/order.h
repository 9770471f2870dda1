// Orders of all predictions of a split: which come first when so many are to be picked. Made once,
// they serve every budget: the first k are those whose rank is below k.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/curves/split.h"

namespace reprise {

/// A random number for each prediction, drawn for (seed, document, position): the same whatever
/// other documents there are.
struct RandomOrder {
  std::vector<uint32_t> order;  ///< the predictions, in random order
  std::vector<uint32_t> rank;   ///< place of each prediction in it
  std::vector<uint8_t> coin;    ///< 0 or 1, independent of the order
};

/// Throws kBadInput for 2^32 predictions or more.
RandomOrder draw_order(uint64_t seed, const ScoredSplit& split);

enum class First { kLargest, kLeast };

/// Place of each prediction by its score: NaN counts as -infinity; of equal ones chance
/// decides which comes first, else a corpus' first documents would.
std::vector<uint32_t> rank_by(std::span<const float> scores, First first,
                              const RandomOrder& random);

/// rank_by() of several terms' joint level: the number of predictions with at least its score,
/// the largest (kAll) or least (kAny) over the terms. As thresholds.h has it, on this split.
std::vector<uint32_t> rank_by_level(std::span<const std::vector<float>> terms, Join join,
                                    First first, const RandomOrder& random);

/// Place of each prediction among those of its bin, in random order.
std::vector<uint32_t> rank_in_bins(std::span<const uint16_t> bins, size_t bin_count,
                                   const RandomOrder& random);

/// For each prediction another of its document, each once: the document in random order.
std::vector<uint32_t> shuffle_documents(const ScoredSplit& split, const RandomOrder& random);

}  // namespace reprise
