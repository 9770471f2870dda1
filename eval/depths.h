// How many refinement passes each prediction of a unit's documents gets.
//
// That is decided once for each, in the order of the text: a policy remembers what it must of the
// document so far, and a later window, in which a position only leads up to what is scored there,
// finds what was decided where it was scored.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "eval/gates/policy.h"

namespace reprise {

class Depths {
 public:
  /// Of a document by its number in the unit; `position` is that of the predicted token. 0 where
  /// nothing was decided.
  uint8_t at(int64_t document, uint32_t position) const;
  void set(int64_t document, uint32_t position, uint8_t depth);

  /// What a policy remembers of a document, for each refinement pass from 1.
  PolicyState& state(int64_t document, int64_t pass) { return states_[{document, pass}]; }

 private:
  std::map<int64_t, std::vector<uint8_t>> depths_;
  std::map<std::pair<int64_t, int64_t>, PolicyState> states_;
};

/// Of one unit of text: by the gate, and by its control.
struct UnitDepths {
  Depths gate, control;
};

}  // namespace reprise
