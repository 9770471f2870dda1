#include "models/artifact/coders/symbol_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace reprise {

// Running sums are rounded, not weights: the errors neither add up nor fall on one symbol.
SymbolTable::SymbolTable(std::span<const uint64_t, 256> weights) {
  const uint64_t total = std::accumulate(weights.begin(), weights.end(), uint64_t{0});
  uint64_t sum = 0;
  uint32_t start = 0;
  for (size_t byte = 0; byte < 256; ++byte) {
    sum += weights[byte];
    ranges_[byte] = {static_cast<uint16_t>(start), 0};
    if (weights[byte] == 0) continue;
    const auto end = static_cast<uint32_t>(sum * (kRansTotal - 1) / total);
    ranges_[byte] = {static_cast<uint16_t>(start), static_cast<uint16_t>(end - start)};
    std::fill(bytes_.begin() + start, bytes_.begin() + end, static_cast<uint8_t>(byte));
    start = end;
  }
  bytes_.back() = 0;
}

double SymbolTable::cost(uint8_t byte) const {
  const uint16_t frequency = ranges_[byte].frequency;
  return frequency ? kRansBits - std::log2(frequency) : kRansBits + 8;
}

}  // namespace reprise
