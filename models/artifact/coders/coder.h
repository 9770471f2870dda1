// Lossless coders for the sections of an artifact: libraries at their strongest setting, and our
// own for codes (rans.h), with nothing in the output but what the input decides (no time stamps,
// one thread).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/options.h"

namespace reprise {

/// The numbers are stored in files: append, never renumber.
enum class Coder : uint8_t { kStored = 0, kZstd = 1, kBrotli = 2, kLzma = 3, kRans = 4 };
template <>
struct EnumNames<Coder> {
  static constexpr std::array names{
      std::pair{Coder::kStored, "stored"}, std::pair{Coder::kZstd, "zstd-22"},
      std::pair{Coder::kBrotli, "brotli-11"}, std::pair{Coder::kLzma, "lzma"},
      std::pair{Coder::kRans, "rans"}};
};

/// Rows of codes are `row_bytes` long; 0: there are none. Only rANS makes use of it.
std::string encode(Coder coder, std::string_view bytes, int64_t row_bytes = 0);

/// The `size` bytes that were encoded with these `row_bytes`. Throws kBadInput where `coded` does
/// not give exactly them; allocates `size` bytes and what the coder needs for them, whatever
/// `coded` claims.
std::string decode(Coder coder, std::string_view coded, int64_t size, int64_t row_bytes = 0);

/// First bytes of all elements, then all second bytes: bytes of like meaning side by side.
std::string shuffle_bytes(std::string_view bytes, int64_t element_bytes);
std::string unshuffle_bytes(std::string_view bytes, int64_t element_bytes);

}  // namespace reprise
