#include "eval/gates/sorted_scores.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace reprise {

uint32_t sort_key(float score) {
  if (std::isnan(score)) score = -std::numeric_limits<float>::infinity();
  constexpr uint32_t kSign = 1u << 31;
  const auto bits = std::bit_cast<uint32_t>(score == 0 ? 0.0f : score);
  return (bits & kSign) ? ~bits : bits | kSign;
}

SortedScores::SortedScores(std::span<const float> scores)
    : scores_(scores), sorted_(scores.size()) {
  require(scores.size() < std::numeric_limits<uint32_t>::max(), ExitCode::kBadInput, "a split of ",
          scores.size(), " tokens, where less than 2^32 are sorted");
  for (size_t i = 0; i < scores.size(); ++i)
    sorted_[i] = pack_pair(~sort_key(scores[i]), static_cast<uint32_t>(i));
  std::ranges::sort(sorted_);
}

std::vector<uint32_t> SortedScores::levels() const {
  std::vector<uint32_t> levels(sorted_.size());
  for (size_t start = 0, end = 0; start < sorted_.size(); start = end) {
    while (end < sorted_.size() && first_of_pair(sorted_[end]) == first_of_pair(sorted_[start]))
      ++end;
    for (size_t place = start; place < end; ++place)
      levels[second_of_pair(sorted_[place])] = static_cast<uint32_t>(end);
  }
  return levels;
}

}  // namespace reprise
