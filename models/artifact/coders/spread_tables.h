// Symbol tables of quantised normal numbers, by their spread: nothing but its level is sent.
//
// Level l has the standard deviation 2^(l / 4 - 3). Code x weighs exp(-x^2 / (2 variance)); codes
// beyond +-largest are clipped to it, as quantisers clip. Tails heavier than a normal
// distribution's come of mixing spreads: a quarter each of level l - tails and l + tails. All of it
// is integer arithmetic, so that every machine reads the same tables.
#pragma once

#include <memory>
#include <vector>

#include "models/artifact/coders/symbol_table.h"

namespace reprise {

inline constexpr int kSpreadLevels = 44, kLevelsPerOctave = 4;
inline constexpr int kMostTails = 3;

struct SpreadShape {
  int largest = 127;  ///< 1 to 127; bytes beyond are escaped
  int tails = 0;      ///< 0 to kMostTails
};

/// The level nearest to a mean square; by floating point, for encoders.
int nearest_level(double mean_square);

class SpreadTables {
 public:
  explicit SpreadTables(SpreadShape shape) : shape_(shape), tables_(kSpreadLevels) {}
  /// Levels beyond the ends are those ends. Made at first use: not for several threads at a time.
  const SymbolTable& at(int level);

 private:
  SpreadShape shape_;
  std::vector<std::unique_ptr<SymbolTable>> tables_;
};

}  // namespace reprise
