// A symbol table that follows what it codes: the prior, and a fixed weight for every byte seen.
//
// It is made anew whenever an eighth more bytes have been seen, so that both directions know the
// same table without its being sent, and long streams spend no time on it.
#pragma once

#include "models/artifact/coders/symbol_table.h"

namespace reprise {

class CountedTable {
 public:
  using Weights = std::array<uint64_t, 256>;
  static constexpr uint64_t kSeen = 32;

  explicit CountedTable(const Weights& prior) : weights_(prior), table_(prior) {}

  void write(RansWriter& writer, uint8_t byte, size_t lane) {
    table_.write(writer, byte, lane);
    count(byte);
  }
  uint8_t read(RansReader& reader, size_t lane) {
    const uint8_t byte = table_.read(reader, lane);
    count(byte);
    return byte;
  }

 private:
  void count(uint8_t byte) {
    weights_[byte] += kSeen;
    if (++seen_ < next_) return;
    next_ = seen_ + seen_ / 8 + 1;
    table_ = SymbolTable(weights_);
  }

  Weights weights_;
  SymbolTable table_;
  uint64_t seen_ = 0, next_ = 1;
};

}  // namespace reprise
