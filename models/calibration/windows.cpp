#include "models/calibration/windows.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <span>

#include "base/error.h"

namespace reprise {

TrainWindows::TrainWindows(const Corpus& corpus, int64_t tokens, int64_t length) : length_(length) {
  const int64_t there = std::max<int64_t>(0, corpus.tokens(Split::kTrain) - 1) / length;
  require(there > 0, ExitCode::kBadInput, "the train split of ", corpus.tokens(Split::kTrain),
          " tokens is shorter than one window of ", length,
          " tokens and the one behind it; add text or make the window smaller");
  count_ = std::min(there, tokens / length + (tokens % length > 0));
  const auto stride = static_cast<size_t>(length + 1);
  tokens_.resize(static_cast<size_t>(count_) * stride);
  for (int64_t window = 0; window < count_; ++window) {
    const int64_t place = window * there / count_;  // distinct, since count <= there
    corpus.read(Split::kTrain, place * length,
                std::span(tokens_).subspan(static_cast<size_t>(window) * stride, stride));
  }
}

at::Tensor TrainWindows::operator[](int64_t window) const {
  const at::Tensor tokens = at::empty({1, length_ + 1}, at::kLong);
  const auto first = tokens_.begin() + window * (length_ + 1);
  std::copy_n(first, length_ + 1, tokens.mutable_data_ptr<int64_t>());
  return tokens;
}

std::string TrainWindows::digest() const {
  static_assert(std::endian::native == std::endian::little);
  const auto* bytes = reinterpret_cast<const char*>(tokens_.data());
  return to_hex(sha256({bytes, tokens_.size() * sizeof(Token)}));
}

}  // namespace reprise
