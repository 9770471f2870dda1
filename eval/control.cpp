#include "eval/control.h"

#include <algorithm>
#include <map>

#include "base/random.h"

namespace reprise {

double control_number(uint64_t seed, const TokenPlace& place) {
  return RandomStream(seed, Purpose::kRandomGate, place.position).uniform(place.document);
}

std::vector<uint8_t> draw_least(std::span<const double> numbers, std::span<const uint8_t> refined,
                                std::span<const int64_t> groups) {
  std::map<int64_t, std::vector<size_t>> members;
  std::map<int64_t, ptrdiff_t> counts;
  for (size_t n = 0; n < refined.size(); ++n) {
    members[groups[n]].push_back(n);
    counts[groups[n]] += refined[n];
  }
  std::vector<uint8_t> drawn(refined.size(), 0);
  for (auto& [group, positions] : members) {
    std::ranges::stable_sort(positions, {}, [&](size_t n) { return numbers[n]; });
    for (ptrdiff_t k = 0; k < counts[group]; ++k) drawn[positions[static_cast<size_t>(k)]] = 1;
  }
  return drawn;
}

std::vector<uint8_t> draw_control(uint64_t seed, std::span<const uint8_t> refined,
                                  std::span<const TokenPlace> places,
                                  std::span<const int64_t> windows) {
  std::vector<double> numbers;
  for (const TokenPlace& place : places) numbers.push_back(control_number(seed, place));
  return draw_least(numbers, refined, windows);
}

}  // namespace reprise
