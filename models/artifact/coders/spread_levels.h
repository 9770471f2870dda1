// What a spread-coded stream says in front of its codes: a level for every row and every column.
// The code in row i, column j has the level base + rows[i] + columns[j].
//
// Weights have rows and columns of unlike spread, and are independent normal numbers but for that.
// A row takes about two bits; encoders weigh them against what they save.
#pragma once

#include <cstdint>
#include <vector>

#include "models/artifact/coders/row_references.h"
#include "models/artifact/coders/spread_tables.h"

namespace reprise {

/// Offsets reach so far to both sides.
inline constexpr int kMostOffset = 24;

struct SpreadLevels {
  SpreadShape shape;
  int base = 0;
  std::vector<int8_t> rows, columns;
};

/// Levels that make the stream short, near enough: rows and columns in turn, each by one level up
/// or down while that pays.
SpreadLevels fit_levels(const CodeRows& codes);

}  // namespace reprise
