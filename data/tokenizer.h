// A SentencePiece model and the bytes each of its tokens stands for.
//
// A model may normalise: decode(encode(text)) is then another text. data/stored_text.h finds the
// one it gives back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"

namespace reprise {

using Token = uint16_t;
inline constexpr Token kBeginOfDocument = 1;

class Tokenizer {
 public:
  static Tokenizer load(const std::filesystem::path& model);  ///< throws kBadInput
  /// `name` stands for the model in messages.
  static Tokenizer from_bytes(std::string model, std::string_view name = "tokenizer");
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  int64_t vocab() const;                                    ///< at most 65,536
  std::vector<Token> encode(std::string_view text) const;   ///< without begin-of-document
  std::string decode(std::span<const Token> tokens) const;  ///< begin-of-document gives no text

  /// Bytes of text that `token` stands for behind `previous`: UTF-8 length of the piece with one
  /// byte for each U+2581 (a space); byte tokens 1; control, unknown and unused tokens 0. A space
  /// at the front of the piece counts 0 where `previous` is control, unknown or unused and the
  /// model drops it on decoding (docs/corpus.md has the reason).
  int64_t bytes(Token token, Token previous) const;
  /// Their sum over a document behind begin-of-document.
  int64_t bytes(std::span<const Token> document) const;

  /// Bytes of `text` that encode() does not keep: removed, replaced or added, as few as explain the
  /// difference.
  int64_t changed_bytes(std::string_view text) const;

  /// The piece as text a reader can see (spaces as spaces, byte tokens as <0xNN>).
  std::string piece(Token token) const;

  const std::string& model_bytes() const;
  std::string digest() const;  ///< SHA-256 of the model file, in hex

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::string text_of(Token token) const;
  std::unique_ptr<State> state_;
};

}  // namespace reprise
