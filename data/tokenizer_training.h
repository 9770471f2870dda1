// Training a tokenizer: byte-pair encoding by the SentencePiece library, set so that encoding loses
// nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace reprise {

/// Gives one document's text after another, then nothing.
using TextStream = std::function<std::optional<std::string>()>;

/// The model file of a tokenizer with exactly `vocab` pieces: <pad>, <s> (begin-of-document, id 1),
/// </s>, <unk>, the 256 bytes, then what the text taught. No normalisation, no dummy prefix, white
/// space kept; what has no piece, newlines and tabs among it, becomes bytes. The same texts in the
/// same order give the same file. Throws kBadInput with the library's reason where the texts cannot
/// fill the vocabulary or need a larger one.
std::string train_tokenizer(const TextStream& texts, int64_t vocab);

}  // namespace reprise
