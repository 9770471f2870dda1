#include "eval/curves/order.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"

namespace reprise {
namespace {

/// Two 32-bit numbers as one, so that sorting takes one comparison and no second look.
uint64_t pack(uint32_t first, uint32_t second) { return uint64_t{first} << 32 | second; }
uint32_t second_of(uint64_t packed) { return static_cast<uint32_t>(packed); }

/// Grows with the score; NaN, of either sign, is 0.
uint32_t key_of(float score) {
  if (std::isnan(score)) return 0;
  constexpr uint32_t kSign = 1u << 31;
  const auto bits = std::bit_cast<uint32_t>(score == 0 ? 0.0f : score);  // one zero
  return (bits & kSign) ? ~bits : bits | kSign;
}

/// Place of each prediction by `keys`, least first, chance deciding between equal ones.
std::vector<uint32_t> rank_keys(const std::vector<uint32_t>& keys, const RandomOrder& random) {
  std::vector<uint64_t> sorted(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) sorted[i] = pack(keys[i], random.rank[i]);
  std::ranges::sort(sorted);
  std::vector<uint32_t> rank(keys.size());
  for (size_t place = 0; place < sorted.size(); ++place)
    rank[random.order[second_of(sorted[place])]] = static_cast<uint32_t>(place);
  return rank;
}

std::vector<uint32_t> keys_of(std::span<const float> scores, First first) {
  std::vector<uint32_t> keys;
  keys.reserve(scores.size());
  for (const float score : scores)
    keys.push_back(first == First::kLargest ? ~key_of(score) : key_of(score));
  return keys;
}

/// How many scores are at least each.
std::vector<uint32_t> levels_of(std::span<const float> scores) {
  const std::vector<uint32_t> keys = keys_of(scores, First::kLargest);
  std::vector<uint64_t> sorted(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) sorted[i] = pack(keys[i], static_cast<uint32_t>(i));
  std::ranges::sort(sorted);
  std::vector<uint32_t> levels(keys.size());
  for (size_t start = 0, end = 0; start < sorted.size(); start = end) {
    while (end < sorted.size() && sorted[end] >> 32 == sorted[start] >> 32) ++end;
    for (size_t place = start; place < end; ++place)
      levels[second_of(sorted[place])] = static_cast<uint32_t>(end);
  }
  return levels;
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
    sorted[i] = pack(static_cast<uint32_t>(bits >> 32), static_cast<uint32_t>(i));
    random.coin[i] = bits & 1;
  }
  std::ranges::sort(sorted);
  random.order.reserve(sorted.size());
  random.rank.resize(sorted.size());
  for (size_t place = 0; place < sorted.size(); ++place) {
    random.order.push_back(second_of(sorted[place]));
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
  std::vector<uint32_t> joint = levels_of(terms[0]);
  for (const auto& term : terms.subspan(1)) {
    const std::vector<uint32_t> levels = levels_of(term);
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
