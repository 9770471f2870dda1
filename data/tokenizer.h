// A SentencePiece model and the bytes each of its tokens stands for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
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
  static Tokenizer from_bytes(std::string model);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  int64_t vocab() const;                                   ///< at most 65,536
  std::vector<Token> encode(std::string_view text) const;  ///< without begin-of-document
  std::string decode(const std::vector<Token>& tokens) const;

  /// Bytes of text that `token` stands for behind `previous`: UTF-8 length of the piece without
  /// U+2581, plus one for the space if it had U+2581 and `previous` is not control, unknown or
  /// unused; byte tokens 1, control tokens 0.
  int64_t bytes(Token token, Token previous) const;

  /// The piece as text a reader can see (spaces as spaces, byte tokens as <0xNN>).
  std::string piece(Token token) const;

  const std::string& model_bytes() const;
  std::string digest() const;  ///< SHA-256 of the model file, in hex

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reprise
