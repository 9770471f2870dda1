#include "train/buckets.h"

namespace reprise {

std::vector<std::vector<size_t>> plan_buckets(std::span<const int64_t> sizes_bytes,
                                              BucketLimits limits) {
  std::vector<std::vector<size_t>> buckets;
  int64_t room = 0;
  for (size_t left = sizes_bytes.size(); left > 0; --left) {
    const size_t index = left - 1;
    if (buckets.empty() || sizes_bytes[index] > room) {
      room = buckets.empty() ? limits.first_bytes : limits.bytes;
      buckets.emplace_back();
    }
    buckets.back().push_back(index);
    room -= sizes_bytes[index];
  }
  return buckets;
}

}  // namespace reprise
