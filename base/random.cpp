#include "base/random.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace reprise {

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  constexpr uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{kMultiplier0} * counter[0];
    const uint64_t product1 = uint64_t{kMultiplier1} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

std::array<uint32_t, 4> RandomStream::block(uint64_t position) const {
  return philox(
      {static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), step_, purpose_},
      {static_cast<uint32_t>(key_), static_cast<uint32_t>(key_ >> 32)});
}

uint64_t RandomStream::bits(uint64_t position) const {
  const auto words = block(position);
  return uint64_t{words[1]} << 32 | words[0];
}

double RandomStream::uniform(uint64_t position) const {
  return static_cast<double>(bits(position) >> 11) * 0x1p-53;
}

double RandomStream::normal(uint64_t position) const {
  const auto words = block(position);
  const uint64_t low = uint64_t{words[1]} << 32 | words[0],
                 high = uint64_t{words[3]} << 32 | words[2];
  const double radius =
      static_cast<double>((low >> 11) + 1) * 0x1p-53;  // in (0, 1]: the logarithm is finite
  const double angle = static_cast<double>(high >> 11) * 0x1p-53;
  return std::sqrt(-2 * std::log(radius)) * std::cos(2 * std::numbers::pi * angle);
}

uint64_t RandomStream::below(uint64_t position, uint64_t bound) const {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(bits(position)) * bound) >> 64);
}

uint64_t permute(const RandomStream& stream, uint64_t index, uint64_t size) {
  if (size <= 1) return 0;
  const int half_bits = (std::bit_width(size - 1) + 1) / 2;
  const uint64_t half_mask = (uint64_t{1} << half_bits) - 1;
  do {
    uint64_t left = index >> half_bits, right = index & half_mask;
    for (uint64_t round = 0; round < 4; ++round) {
      const uint64_t mixed = stream.bits(round << 48 | right) & half_mask;
      const uint64_t next = left ^ mixed;
      left = right;
      right = next;
    }
    index = left << half_bits | right;
  } while (index >= size);
  return index;
}

}  // namespace reprise
