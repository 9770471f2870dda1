// What must hold of any bytes that are given to the loader: shared by the fuzz target, the replay
// of its seeds and the program that makes them.
#pragma once

#include <string_view>

namespace reprise {

/// Whether `bytes` load. Throws std::logic_error, naming what is broken, where a refusal is not one
/// line of kBadInput, or where what loads does not hold what it says: saved again it is `bytes`,
/// its ledger sums to them, its tensors have the weights of their shapes.
bool loads_soundly(std::string_view bytes);

}  // namespace reprise
