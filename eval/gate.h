// Which positions run the core once more.
//
// A gate is causal by what it is given: signals of the prediction in hand, and where the position
// stands. It sees neither the target nor anything behind the position, and scores each position by
// itself; what a policy makes of the scores is gates/policy.h. The control it is compared with is
// no gate: control.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "eval/gates/gate_expression.h"
#include "eval/signals.h"
#include "models/artifact/artifact.h"

namespace reprise {

/// Where a predicted token stands.
struct TokenPlace {
  uint64_t document = 0;  ///< first eight bytes of the document's hash
  uint32_t position = 0;  ///< in the document; begin-of-document is 0
};

/// One entry per position, of equal length.
struct CoarseSignals {
  std::span<const float> entropy;  ///< nats
  std::span<const float> margin;   ///< probability of the first minus the second token
  std::span<const TokenPlace> places;
  const SignalValues& others;  ///< by signal; may lack those the gate does not look at
};

struct GateScores {
  std::vector<float> margins;  ///< above 0 where a plain threshold refines; never NaN
  int64_t nan = 0;             ///< positions with a signal that is NaN: refined last
};

class Gate {
 public:
  virtual ~Gate() = default;
  /// The signals without which it cannot score.
  virtual std::vector<Signal> terms() const { return {}; }
  virtual GateScores score(const CoarseSignals& signals) const = 0;
};

/// The rule an artifact carries: its signal above its threshold. Throws kBadInput for a signal it
/// cannot carry.
std::unique_ptr<Gate> make_gate(const GateRule& rule);

/// The joint margin of `gate`'s terms over their thresholds, one for each, in units of
/// direction * signal. Throws kUsage where a term is not known when a text is scored: kToken and
/// kFrequency want tables that no artifact carries.
std::unique_ptr<Gate> make_gate(const GateExpression& gate, std::vector<float> thresholds);

}  // namespace reprise
