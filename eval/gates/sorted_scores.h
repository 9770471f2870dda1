// Scores sorted once, and how many lie at or above each: what quantiles, budgets and orders are
// read from.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reprise {

/// Sorts as the score does. NaN counts as -infinity, both zeros are one.
uint32_t sort_key(float score);

/// Two 32-bit numbers as one, so that sorting takes one comparison and no second look.
constexpr uint64_t pack_pair(uint32_t first, uint32_t second) {
  return uint64_t{first} << 32 | second;
}
constexpr uint32_t first_of_pair(uint64_t pair) { return static_cast<uint32_t>(pair >> 32); }
constexpr uint32_t second_of_pair(uint64_t pair) { return static_cast<uint32_t>(pair); }

class SortedScores {
 public:
  /// `scores` outlive this. Throws kBadInput for 2^32 of them or more.
  explicit SortedScores(std::span<const float> scores);

  size_t size() const { return sorted_.size(); }
  /// The score that `place` others come before, largest first.
  float at(size_t place) const { return scores_[second_of_pair(sorted_[place])]; }
  /// For each score, how many are at least as large, itself included.
  std::vector<uint32_t> levels() const;

 private:
  std::span<const float> scores_;
  std::vector<uint64_t> sorted_;  ///< inverted key and index
};

}  // namespace reprise
