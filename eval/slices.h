// Which tokens belong to which slice, from the text alone: no model's loss picks them.
#pragma once

#include <cstdint>
#include <vector>

#include "eval/trace/schema.h"

namespace reprise {

class Slicer {
 public:
  /// Rare are the token types that are least frequent in `train_counts`, as many as together make
  /// up at most `rare_share` of its tokens; of equally frequent ones, lower ids first.
  Slicer(const std::vector<int64_t>& train_counts, double rare_share, int64_t early_tokens);

  /// Bits of Slice.
  uint32_t bits(uint16_t token, uint32_t position) const;

 private:
  int64_t early_tokens_;
  std::vector<bool> rare_;  ///< by token
};

}  // namespace reprise
