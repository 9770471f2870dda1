#include "models/artifact/coders/spread_tables.h"

#include <algorithm>
#include <cmath>

namespace reprise {
namespace {

/// Of numbers below 1 in 32 bits behind the point.
uint64_t product(uint64_t a, uint64_t b) { return a * b >> 32; }

/// exp(-1 / (2 variance)) of a level: exp(-2^(5 - level / 2)), by squaring that of one of the two
/// widest levels.
uint64_t ratio_of_level(int level) {
  constexpr uint64_t kWidest = 4294920955, kNextToWidest = 4294901760;
  uint64_t ratio = level % 2 ? kWidest : kNextToWidest;
  for (int at = level % 2 ? kSpreadLevels - 1 : kSpreadLevels - 2; at > level; at -= 2)
    ratio = product(ratio, ratio);
  return ratio;
}

uint8_t byte_of(int code) { return static_cast<uint8_t>(code); }

/// Of the bytes, in units of 2^-20.
std::array<uint64_t, 256> normal_weights(int level, int largest) {
  constexpr int kLastCode = 1023;
  std::array<uint64_t, 256> weights{};
  uint64_t weight = 0xFFFFFFFF, total = weight;
  uint64_t ratio = ratio_of_level(level);  // of a weight to the one before: q, q^3, q^5, ...
  const uint64_t ratio_of_ratios = product(ratio, ratio);
  weights[0] = weight;
  for (int code = 1; code <= kLastCode && weight > 0; ++code) {
    weight = product(weight, ratio);
    ratio = product(ratio, ratio_of_ratios);
    const int clipped = std::min(code, largest);
    weights[byte_of(clipped)] += weight;
    weights[byte_of(-clipped)] += weight;
    total += 2 * weight;
  }
  for (uint64_t& each : weights)
    if (each > 0) each = (each << 20) / total;
  return weights;
}

int clamp_level(int level) { return std::clamp(level, 0, kSpreadLevels - 1); }

}  // namespace

int nearest_level(double mean_square) {
  if (mean_square <= 0) return 0;
  return clamp_level(
      static_cast<int>(std::lround(kLevelsPerOctave * (0.5 * std::log2(mean_square) + 3))));
}

const SymbolTable& SpreadTables::at(int level) {
  level = clamp_level(level);
  auto& table = tables_[static_cast<size_t>(level)];
  if (!table) {
    std::array<uint64_t, 256> weights = normal_weights(level, shape_.largest);
    if (shape_.tails > 0) {
      const auto narrow = normal_weights(clamp_level(level - shape_.tails), shape_.largest);
      const auto wide = normal_weights(clamp_level(level + shape_.tails), shape_.largest);
      for (size_t byte = 0; byte < 256; ++byte)
        weights[byte] = 2 * weights[byte] + narrow[byte] + wide[byte];
    }
    table = std::make_unique<SymbolTable>(weights);
  }
  return *table;
}

}  // namespace reprise
