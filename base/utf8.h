// UTF-8 as the Unicode standard defines it (table 3-7): no overlong forms, no surrogates.
#pragma once

#include <cstddef>
#include <string_view>

namespace reprise {

/// Offset of the first byte that starts no valid character, or npos where all of `text` is valid.
size_t first_invalid_utf8(std::string_view text);

/// The longest start of valid `text` with at most `limit` bytes that ends between two characters.
std::string_view cut_utf8(std::string_view text, size_t limit);

}  // namespace reprise
