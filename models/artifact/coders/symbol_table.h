// Frequencies of the 256 bytes for the rANS states, and the byte of every slot.
//
// A byte whose frequency rounds to nothing is reached by the escape, which has the last slot: the
// byte follows as it is, in 8 bits. So every byte can be coded under every table.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "models/artifact/coders/rans_states.h"

namespace reprise {

class SymbolTable {
 public:
  /// Frequencies in proportion to `weights`, whose sum is positive and below 2^50. The same on
  /// every machine.
  explicit SymbolTable(std::span<const uint64_t, 256> weights);

  /// Frequency 0: escaped.
  SlotRange range(uint8_t byte) const { return ranges_[byte]; }
  /// In bits.
  double cost(uint8_t byte) const;

  void write(RansWriter& writer, uint8_t byte, size_t lane) const {
    const SlotRange range = ranges_[byte];
    writer.add(range.frequency ? range : kEscape, lane);
    if (!range.frequency) writer.add_raw(byte, lane);
  }
  uint8_t read(RansReader& reader, size_t lane) const {
    const uint32_t slot = reader.slot(lane);
    if (slot == kEscape.start) {
      reader.advance(kEscape, lane);
      return reader.read_raw(lane);
    }
    const uint8_t byte = bytes_[slot];
    reader.advance(ranges_[byte], lane);
    return byte;
  }

 private:
  static constexpr SlotRange kEscape{kRansTotal - 1, 1};
  std::array<SlotRange, 256> ranges_;
  std::array<uint8_t, kRansTotal> bytes_;
};

}  // namespace reprise
