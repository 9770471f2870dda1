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
};

class Gate {
 public:
  virtual ~Gate() = default;
  /// 1 where the position is refined.
  virtual std::vector<uint8_t> decide(const CoarseSignals& signals) const = 0;
};

/// The rule an artifact carries: refine where the entropy is above the threshold. Throws kBadInput
/// for another signal.
std::unique_ptr<Gate> make_gate(const GateRule& rule);

}  // namespace reprise
