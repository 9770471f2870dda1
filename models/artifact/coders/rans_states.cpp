#include "models/artifact/coders/rans_states.h"

#include <algorithm>

namespace reprise {

std::string RansWriter::finish() const {
  std::array<uint32_t, kRansLanes> states;
  states.fill(kLeastState);
  std::string reversed;
  for (size_t i = items_.size(); i-- > 0;) {
    const SlotRange range = items_[i].range;
    uint32_t& state = states[items_[i].lane];
    if (state >= static_cast<uint64_t>(range.frequency) << (32 - kRansBits)) {
      reversed += static_cast<char>(state >> 8 & 0xFF);
      reversed += static_cast<char>(state & 0xFF);
      state >>= 16;
    }
    state = (state / range.frequency << kRansBits) + state % range.frequency + range.start;
  }
  std::string coded;
  for (const uint32_t state : states)
    for (int shift = 0; shift < 32; shift += 8) coded += static_cast<char>(state >> shift & 0xFF);
  return coded.append(reversed.rbegin(), reversed.rend());
}

RansReader::RansReader(std::string_view coded) : coded_(coded) {
  for (size_t byte = 0; byte < 4 * kRansLanes; ++byte) {
    const uint32_t value = byte < coded.size() ? static_cast<uint8_t>(coded[byte]) : 0;
    states_[byte / 4] |= value << 8 * (byte % 4);
  }
}

bool RansReader::ended_well() const {
  return !overrun_ && next_ == coded_.size() &&
         std::ranges::all_of(states_, [](uint32_t state) { return state == kLeastState; });
}

}  // namespace reprise
