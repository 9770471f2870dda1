// Train text in windows of one length, spread evenly over the split. No other split can be asked
// for: what a packer learns of its text must not come from text that scores it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "data/corpus.h"

namespace reprise {

class TrainWindows {
 public:
  /// As many windows of `length` tokens as hold `tokens`, none of which overlap; all that the split
  /// has where it has fewer. Throws kBadInput where it has none.
  TrainWindows(const Corpus& corpus, int64_t tokens, int64_t length);

  int64_t count() const { return count_; }
  int64_t length() const { return length_; }
  /// Tokens and what follows each of them: [1, length + 1] int64.
  at::Tensor operator[](int64_t window) const;
  /// SHA-256 over the tokens of all windows, each with the one that follows it, as the shards store
  /// them; in hex.
  std::string digest() const;

 private:
  int64_t count_ = 0, length_;
  std::vector<Token> tokens_;
};

}  // namespace reprise
