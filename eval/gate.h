// Which positions run the core once more.
//
// A gate is causal by what it is given: signals of the coarse prediction, and where the position
// stands. It sees neither the target nor anything behind the position, and decides each position by
// itself. The control it is compared with is no gate: control.h.
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
  const SignalValues& others;  ///< by signal: what signals_of() gives; may lack those not needed
};

class Gate {
 public:
  virtual ~Gate() = default;
  /// Whether it looks at CoarseSignals::others.
  virtual bool needs_others() const { return false; }
  /// 1 where the position is refined.
  virtual std::vector<uint8_t> decide(const CoarseSignals& signals) const = 0;
};

/// The rule an artifact carries: refine where the entropy is above the threshold. Throws kBadInput
/// for another signal.
std::unique_ptr<Gate> make_gate(const GateRule& rule);

/// Refines where the joint decision of thresholds on `gate`'s terms does, one for each, in units of
/// direction * signal. Throws kUsage where a term is not known when a text is scored: kHead, kToken
/// and kFrequency want tables that no artifact carries.
std::unique_ptr<Gate> make_gate(const GateExpression& gate, std::vector<float> thresholds);

}  // namespace reprise
