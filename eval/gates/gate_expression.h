// A gate in words: one signal, or several joined by one kind of operator.
//
//   entropy                 refine where the entropy is above its threshold
//   entropy & residual      where both are above theirs
//   entropy | divergence    where either is
//
// Only what is looked at stands here; the thresholds are thresholds.h, what may cap them policy.h.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/gates/signal.h"

namespace reprise {

/// Thresholds with a meaning of their own: everything is above the one, NaN too; nothing above the
/// other.
inline constexpr float kRefineAll = -std::numeric_limits<float>::infinity();
inline constexpr float kRefineNone = std::numeric_limits<float>::infinity();

enum class Join {
  kAll,  ///< "&": every term above its threshold; also of a single term
  kAny,  ///< "|": at least one
};

struct GateExpression {
  std::vector<Signal> terms;  ///< at least one, each once, in the order of Signal
  Join join = Join::kAll;
  bool operator==(const GateExpression&) const = default;
};

/// Throws kUsage: a name that is no Signal, both operators, a term twice, none between operators.
GateExpression parse_gate(std::string_view text);

/// As parse_gate() reads it: "entropy & residual".
std::string to_text(const GateExpression& gate);

/// What the gate looks at beside the model, in words, for the record of a trace: none is the
/// target, and none lies behind the position.
std::vector<std::string> may_see(const GateExpression& gate);

/// How far a score lies above a threshold: above 0 where it refines. A NaN is above no threshold
/// but kRefineAll.
inline float margin_over(float score, float threshold) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (threshold == kRefineAll) return kInfinity;
  const float margin = score - threshold;
  return margin == margin ? margin : -kInfinity;  // NaN too where both are infinite
}

/// The margins of a gate's terms, whose scores are direction * signal, made one, above 0 where the
/// gate refines: the least for kAll, the largest for kAny.
float joint_margin(std::span<const float> scores, std::span<const float> thresholds, Join join);

}  // namespace reprise
