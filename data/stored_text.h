// The text of a document as a corpus stores it: the one its tokens give back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/tokenizer.h"

namespace reprise {

struct StoredText {
  std::string text;
  std::vector<Token> tokens;  ///< without begin-of-document; decode(tokens) == text
  int64_t changed_bytes =
      0;  ///< of the text as read; 0 under a lossless tokenizer, unless the text holds U+2581
};

/// Applies decode(encode(.)) until nothing changes. Throws kBadInput where that has no end, or
/// where the bytes of the tokens are not those of the text (a model without byte fallback that
/// meets an unknown character).
StoredText store_text(const Tokenizer& tokenizer, std::string text);

}  // namespace reprise
