#include "eval/control.h"

#include <algorithm>
#include <numeric>

#include "base/random.h"

namespace reprise {
namespace {

double number_at(uint64_t seed, const TokenPlace& place) {
  return RandomStream(seed, Purpose::kRandomGate, place.position).uniform(place.document);
}

/// Marks in `drawn` the `count` positions of [first, end) with the least numbers; of equal ones the
/// earlier.
void draw_window(std::span<const double> numbers, size_t first, size_t end, ptrdiff_t count,
                 std::vector<uint8_t>& drawn) {
  std::vector<size_t> positions(end - first);
  std::iota(positions.begin(), positions.end(), first);
  std::ranges::stable_sort(positions, {}, [&](size_t n) { return numbers[n]; });
  for (ptrdiff_t k = 0; k < count; ++k) drawn[positions[static_cast<size_t>(k)]] = 1;
}

}  // namespace

std::vector<uint8_t> draw_control(uint64_t seed, std::span<const uint8_t> refined,
                                  std::span<const TokenPlace> places,
                                  std::span<const int64_t> windows) {
  std::vector<double> numbers;
  for (const TokenPlace& place : places) numbers.push_back(number_at(seed, place));
  std::vector<uint8_t> drawn(refined.size(), 0);
  for (size_t first = 0, end = 0; first < refined.size(); first = end) {
    while (end < windows.size() && windows[end] == windows[first]) ++end;
    draw_window(numbers, first, end,
                std::ranges::count(refined.subspan(first, end - first), uint8_t{1}), drawn);
  }
  return drawn;
}

}  // namespace reprise
