// Which gradients travel together: many small messages are slow, one large message cannot start
// before backward ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace reprise {

/// PyTorch's DistributedDataParallel uses the same sizes (Li et al., VLDB 2020).
struct BucketLimits {
  int64_t first_bytes = int64_t{1} << 20;  ///< small, so that sending starts early
  int64_t bytes = int64_t{25} << 20;
};

/// Buckets of parameter indices, from the last parameter to the first, since backward finishes the
/// last ones first. A bucket closes before the parameter that would take it over its limit; a
/// larger parameter is a bucket alone.
std::vector<std::vector<size_t>> plan_buckets(std::span<const int64_t> sizes_bytes,
                                              BucketLimits limits);

}  // namespace reprise
