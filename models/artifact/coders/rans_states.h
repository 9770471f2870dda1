// The states of a range variant of asymmetric numeral systems (Duda, "Asymmetric numeral systems",
// arXiv:1311.2540): a symbol of frequency f in 2^14 takes 14 - log2 f bits.
//
// A state x stays in [2^16, 2^32). Reading a symbol takes x to f * (x >> 14) + (x mod 2^14) - start
// and, where that is below 2^16, appends a word of 16 bits. Two states take turns so that a
// processor can read two symbols at a time; which one reads a symbol is the caller's choice, and
// the same in both directions. Writing goes backwards: what is read first is written last.
//
//   RansWriter writer;
//   writer.add({start, frequency}, lane); ...      // in the order of reading
//   std::string coded = writer.finish();
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

inline constexpr int kRansBits = 14;
inline constexpr uint32_t kRansTotal = 1U << kRansBits;
inline constexpr uint32_t kLeastState = 1U << 16;
inline constexpr size_t kRansLanes = 2;
/// A byte of which nothing is known has 2^6 slots.
inline constexpr int kRawShift = kRansBits - 8;

/// The slots [start, start + frequency) of the 2^14.
struct SlotRange {
  uint16_t start = 0;
  uint16_t frequency = 0;
};

class RansWriter {
 public:
  void add(SlotRange range, size_t lane) { items_.push_back({range, static_cast<uint16_t>(lane)}); }
  void add_raw(uint8_t byte, size_t lane) {
    add({static_cast<uint16_t>(byte << kRawShift), 1U << kRawShift}, lane);
  }
  /// Both states, 4 bytes each, then the words, all little-endian.
  std::string finish() const;

 private:
  struct Item {
    SlotRange range;
    uint16_t lane;
  };
  std::vector<Item> items_;
};

/// Reads within `coded`, whatever it holds: past the end come zeros, and ended_well() is false.
class RansReader {
 public:
  explicit RansReader(std::string_view coded);

  uint32_t slot(size_t lane) const { return states_[lane] & (kRansTotal - 1); }
  void advance(SlotRange range, size_t lane) {
    uint32_t state = range.frequency * (states_[lane] >> kRansBits) + slot(lane) - range.start;
    if (state < kLeastState) state = state << 16 | next_word();
    states_[lane] = state;
  }
  uint8_t read_raw(size_t lane) {
    const auto byte = static_cast<uint8_t>(slot(lane) >> kRawShift);
    advance({static_cast<uint16_t>(byte << kRawShift), 1U << kRawShift}, lane);
    return byte;
  }
  /// Whether every word was read and the states are those the writer began with.
  bool ended_well() const;

 private:
  uint32_t next_word() {
    if (next_ + 2 > coded_.size()) {
      overrun_ = true;
      return 0;
    }
    const auto low = static_cast<uint8_t>(coded_[next_]);
    const auto high = static_cast<uint8_t>(coded_[next_ + 1]);
    next_ += 2;
    return low | static_cast<uint32_t>(high) << 8;
  }

  std::string_view coded_;
  size_t next_ = 4 * kRansLanes;
  bool overrun_ = false;
  std::array<uint32_t, kRansLanes> states_ = {};
};

}  // namespace reprise
