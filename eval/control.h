// The gate's control: as many second passes as the gate makes, at positions chance picks.
//
// It is no Gate (gate.h), and no decoder could run it: to spend exactly what the gate spends, it is
// told how many positions of each window the gate refined, those behind a position included. It
// uses nothing else of the text: neither which positions they were, nor any token or signal.
//
// The count is matched in every window, the largest stretch that is scored as a whole: a document
// may span batches. So both make equally many second passes in every document, and a paired
// difference compares equal compute. Being told the count, the control shares the gate's choice
// between stretches of text; what is left to tell the two apart is the choice within a stretch. It
// is therefore harder to beat than draws at one rate over the whole text.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/gate.h"

namespace reprise {

/// 1 where the control refines. Of every window, as many of its scored positions as `refined` marks
/// there: those whose numbers, drawn for (seed, document, position), are the least. `windows` tells
/// which window each position is scored in, equal ones side by side. All of equal length.
std::vector<uint8_t> draw_control(uint64_t seed, std::span<const uint8_t> refined,
                                  std::span<const TokenPlace> places,
                                  std::span<const int64_t> windows);

/// The number drawn for a position: uniform in [0, 1).
double control_number(uint64_t seed, const TokenPlace& place);

/// The same by other numbers: of every group of positions as many as `refined` marks there, those
/// with the least numbers, of equal ones the earlier. All of equal length.
std::vector<uint8_t> draw_least(std::span<const double> numbers, std::span<const uint8_t> refined,
                                std::span<const int64_t> groups);

}  // namespace reprise
