#include "tests/support/unicode_text.h"

#include <array>

#include "base/random.h"

namespace reprise {
namespace {

void append_utf8(std::string& text, uint32_t code) {
  const auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xE0 | code >> 12);
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
    }
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

}  // namespace

std::string unicode_text(uint64_t number, uint64_t most) {
  struct Range {
    uint32_t first, last;
  };
  // The empty-looking ones matter most: white space, controls, joiners, marks, the library's own
  // space symbol, and the character it prints for an unknown piece.
  constexpr std::array<Range, 14> kRanges{{{0x00, 0x20},
                                           {0x20, 0x20},
                                           {0x20, 0x7F},
                                           {0xA0, 0xFF},
                                           {0x300, 0x36F},
                                           {0x600, 0x6FF},
                                           {0x2000, 0x200F},
                                           {0x2047, 0x2047},
                                           {0x2581, 0x2581},
                                           {0x4E00, 0x9FFF},
                                           {0xAC00, 0xD7A3},
                                           {0xE000, 0xFFFD},
                                           {0x1F300, 0x1F9FF},
                                           {0x10000, 0x10FFFF}}};
  const RandomStream stream(13, Purpose::kTest, static_cast<uint32_t>(number));
  const uint64_t count = stream.below(0, most + 1);
  std::string text;
  for (uint64_t i = 1; i <= count; ++i) {
    const Range range = kRanges[stream.below(2 * i, kRanges.size())];
    append_utf8(text, range.first + static_cast<uint32_t>(
                                        stream.below(2 * i + 1, range.last - range.first + 1)));
  }
  return text;
}

}  // namespace reprise
