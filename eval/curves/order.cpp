#include "eval/curves/order.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "eval/gates/sorted_scores.h"

namespace reprise {
namespace {

/// Place of each prediction by `keys`, least first, chance deciding between equal ones.
std::vector<uint32_t> rank_keys(const std::vector<uint32_t>& keys, const RandomOrder& random) {
  std::vector<uint64_t> sorted(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) sorted[i] = pack_pair(keys[i], random.rank[i]);
  std::ranges::sort(sorted);
  std::vector<uint32_t> rank(keys.size());
  for (size_t place = 0; place < sorted.size(); ++place)
    rank[random.order[second_of_pair(sorted[place])]] = static_cast<uint32_t>(place);
  return rank;
}

std::vector<uint32_t> keys_of(std::span<const float> scores, First first) {
  std::vector<uint32_t> keys;
  keys.reserve(scores.size());
  for (const float score : scores)
    keys.push_back(first == First::kLargest ? ~sort_key(score) : sort_key(score));
  return keys;
}

}  // namespace

RandomOrder draw_order(uint64_t seed, const ScoredSplit& split) {
  require(split.size() < std::numeric_limits<uint32_t>::max(), ExitCode::kBadInput, "a split of ",
          split.size(), " tokens; curves are drawn over less than 2^32");
  RandomOrder random;
  std::vector<uint64_t> sorted(split.size());
  random.coin.resize(split.size());
  for (size_t i = 0; i < split.size(); ++i) {
    const RandomStream stream(seed, Purpose::kRandomGate, split.position[i]);
    const uint64_t bits = stream.bits(split.keys[split.document[i]]);
    sorted[i] = pack_pair(static_cast<uint32_t>(bits >> 32), static_cast<uint32_t>(i));
    random.coin[i] = bits & 1;
  }
  std::ranges::sort(sorted);
  random.order.reserve(sorted.size());
  random.rank.resize(sorted.size());
  for (size_t place = 0; place < sorted.size(); ++place) {
    random.order.push_back(second_of_pair(sorted[place]));
    random.rank[random.order.back()] = static_cast<uint32_t>(place);
  }
  return random;
}

std::vector<uint32_t> rank_by(std::span<const float> scores, First first,
                              const RandomOrder& random) {
  return rank_keys(keys_of(scores, first), random);
}

std::vector<uint32_t> rank_by_level(std::span<const std::vector<float>> terms, Join join,
                                    First first, const RandomOrder& random) {
  std::vector<uint32_t> joint = SortedScores(terms[0]).levels();
  for (const auto& term : terms.subspan(1)) {
    const std::vector<uint32_t> levels = SortedScores(term).levels();
    for (size_t i = 0; i < joint.size(); ++i)
      joint[i] = join == Join::kAll ? std::max(joint[i], levels[i]) : std::min(joint[i], levels[i]);
  }
  if (first == First::kLeast)
    for (uint32_t& level : joint) level = ~level;
  return rank_keys(joint, random);
}

std::vector<uint32_t> rank_in_bins(std::span<const uint16_t> bins, size_t bin_count,
                                   const RandomOrder& random) {
  std::vector<uint32_t> next(bin_count, 0), rank(bins.size());
  for (const uint32_t i : random.order) rank[i] = next[bins[i]]++;
  return rank;
}

std::vector<uint32_t> shuffle_documents(const ScoredSplit& split, const RandomOrder& random) {
  std::vector<uint32_t> next(split.none.size(), 0), partner(split.size());
  for (size_t i = split.size(); i-- > 0;) next[split.document[i]] = static_cast<uint32_t>(i);
  for (const uint32_t i : random.order) partner[next[split.document[i]]++] = i;
  return partner;
}

}  // namespace reprise
