#include "models/ops/heads.h"

#include <ATen/ATen.h>

#include <cmath>

#include "models/ops/rms_norm.h"

namespace reprise::ops {

namespace {

/// x [..., E] by cos, sin, broadcastable to [..., R/2].
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  const int64_t half = cos.size(-1), rotated = 2 * half;
  const at::Tensor first = x.narrow(-1, 0, half), second = x.narrow(-1, half, half);
  return at::cat({first * cos - second * sin, second * cos + first * sin,
                  x.narrow(-1, rotated, x.size(-1) - rotated)},
                 -1);
}

/// Queries or keys [..., T, heads, E] of positions whose cosines are cos_TR.
at::Tensor norm_and_rotate(const at::Tensor& x, const at::Tensor& cos_TR,
                           const at::Tensor& sin_TR) {
  const at::Tensor wide = x.to(cos_TR.scalar_type());
  return rotate(rms_norm(wide), cos_TR.unsqueeze(-2), sin_TR.unsqueeze(-2));
}

}  // namespace

RotaryTable make_rotary_table(const RotaryShape& shape, const at::TensorOptions& options) {
  const int64_t pairs = std::llround(shape.share * static_cast<double>(shape.head_width) / 2);
  const at::Tensor positions = at::arange(shape.context, at::kDouble).unsqueeze(1);
  const at::Tensor exponents = at::arange(pairs, at::kDouble) / std::max<int64_t>(pairs, 1);
  const at::Tensor angles = positions * at::pow(shape.base, -exponents);
  return {angles.cos().to(options), angles.sin().to(options), shape.head_width};
}

Heads split_heads(const at::Tensor& projected_BTC, const at::Tensor& gain_H,
                  const RotaryTable& rotary) {
  const int64_t heads = gain_H.size(0), head_width = rotary.head_width;
  const at::Tensor split = projected_BTC.unflatten(-1, {-1, head_width});
  const int64_t kv_heads = (split.size(2) - heads) / 2, length = split.size(1);
  const at::Tensor cos_TR = rotary.cos_TR.narrow(0, 0, length),
                   sin_TR = rotary.sin_TR.narrow(0, 0, length);
  const at::ScalarType type = projected_BTC.scalar_type();
  const at::Tensor keys =
      norm_and_rotate(split.narrow(2, heads, kv_heads), cos_TR, sin_TR).to(type);
  return {split_queries(split.narrow(2, 0, heads).flatten(2), gain_H, rotary), keys.transpose(1, 2),
          split.narrow(2, heads + kv_heads, kv_heads).transpose(1, 2)};
}

at::Tensor split_queries(const at::Tensor& projected_BTD, const at::Tensor& gain_H,
                         const RotaryTable& rotary) {
  const at::Tensor split = projected_BTD.unflatten(-1, {gain_H.size(0), rotary.head_width});
  const int64_t length = split.size(1);
  const at::Tensor queries = norm_and_rotate(split, rotary.cos_TR.narrow(0, 0, length),
                                             rotary.sin_TR.narrow(0, 0, length));
  return (queries * gain_H.unsqueeze(-1)).to(projected_BTD.scalar_type()).transpose(1, 2);
}

at::Tensor split_packed_queries(const at::Tensor& projected_MD, const at::Tensor& gain_H,
                                const RotaryTable& rotary, const at::Tensor& positions_M) {
  const at::Tensor split = projected_MD.unflatten(-1, {gain_H.size(0), rotary.head_width});
  const at::Tensor queries = norm_and_rotate(split, rotary.cos_TR.index_select(0, positions_M),
                                             rotary.sin_TR.index_select(0, positions_M));
  return (queries * gain_H.unsqueeze(-1)).to(projected_MD.scalar_type());
}

}  // namespace reprise::ops
