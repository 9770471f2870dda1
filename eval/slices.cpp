#include "eval/slices.h"

#include <algorithm>
#include <numeric>

namespace reprise {

Slicer::Slicer(const std::vector<int64_t>& train_counts, double rare_share, int64_t early_tokens)
    : early_tokens_(early_tokens), rare_(train_counts.size(), false) {
  std::vector<size_t> by_count(train_counts.size());
  std::iota(by_count.begin(), by_count.end(), size_t{0});
  std::ranges::stable_sort(by_count, {}, [&](size_t token) { return train_counts[token]; });
  const auto total = static_cast<double>(std::reduce(train_counts.begin(), train_counts.end()));
  double mass = 0;
  for (const size_t token : by_count) {
    mass += static_cast<double>(train_counts[token]);
    if (mass > rare_share * total) break;
    rare_[token] = true;
  }
}

uint32_t Slicer::bits(uint16_t token, uint32_t position) const {
  uint32_t bits = 0;
  if (position <= early_tokens_) bits |= static_cast<uint32_t>(Slice::kEarly);
  if (rare_.at(token)) bits |= static_cast<uint32_t>(Slice::kRare);
  return bits;
}

}  // namespace reprise
