// What a refined position attends to (docs/refinement.md). K1 are the keys and values that the base
// passes left, K2 those that refined positions make. m_j: position j is refined in this pass.
#pragma once

#include "base/options.h"

namespace reprise {

enum class KeyRule {
  kCoarse,     ///< K1 of every position up to itself; makes no K2
  kLatest,     ///< K2 where m_j, else K1
  kSameDepth,  ///< K2 where m_j, and no other position
  kDuo,        ///< K1 of every position, and K2 where m_j
  kCopyState,  ///< K2 where m_j, else keys made of the state the position halted with
};
template <>
struct EnumNames<KeyRule> {
  static constexpr std::array names{
      std::pair{KeyRule::kCoarse, "coarse"}, std::pair{KeyRule::kLatest, "latest"},
      std::pair{KeyRule::kSameDepth, "same-depth"}, std::pair{KeyRule::kDuo, "duo"},
      std::pair{KeyRule::kCopyState, "copy-state"}};
};

/// Whether a refined position's readout depends on which earlier ones are refined.
inline bool sees_refined(KeyRule rule) { return rule != KeyRule::kCoarse; }

}  // namespace reprise
