// What a form may have beside its body, as the decoder sees it:
//
//   weights = columns kept apart, where there are any, else (body + low-rank matrix) H^T
//
// Their streams lie behind the body's: factors of the low-rank matrix (factors.h), then indices
// and values of the columns. The rotation (hadamard.h) has none: weights are decoded to fp32
// before the model runs, so its inverse is one more step of decoding and no layer knows of it.
// What runs on codes instead must fold H into neighbouring layers, or apply it to activations.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "models/artifact/quantisers/form.h"

namespace reprise {

/// Whether bodies of this scheme take additions: all whose weights are codes.
bool takes_additions(Scheme scheme);

/// Throws kBadInput where a tensor of this shape cannot have the additions of its form.
void check_additions(const TensorShape& tensor);

std::vector<StreamLayout> added_streams(const TensorShape& tensor);

/// From the body to the weights; `streams` are those of added_streams(). Throws kBadInput where
/// the columns' indices do not rise or lie beyond the tensor.
void apply_additions(const TensorShape& tensor, std::span<const std::string_view> streams,
                     std::vector<float>& values);

/// Bytes of the index of a column: 2 where that is enough, else 4; little-endian.
int64_t index_bytes(int64_t columns);

}  // namespace reprise
