#include "models/ops/reference.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include <cmath>
#include <limits>

#include "models/ops/kernels/kernels.h"

namespace reprise::ops::reference {

namespace {

/// x [M, heads, E] by cos, sin [M, R/2].
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  const int64_t half = cos.size(-1), rotated = 2 * half;
  const at::Tensor left = x.narrow(-1, 0, half), right = x.narrow(-1, half, half);
  const at::Tensor cosines = cos.unsqueeze(1), sines = sin.unsqueeze(1);
  return at::cat({left * cosines - right * sines, right * cosines + left * sines,
                  x.narrow(-1, rotated, x.size(-1) - rotated)},
                 -1);
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x) {
  const at::Tensor wide = x.to(at::toOpMathType(x.scalar_type()));
  const at::Tensor mean_square = wide.square().mean(-1, true);
  return (wide * at::rsqrt(mean_square + kNormEpsilon)).to(x.scalar_type());
}

at::Tensor blend(const at::Tensor& x, const at::Tensor& y, const at::Tensor& first_D,
                 const at::Tensor& second_D) {
  return (first_D * x + second_D * y).to(x.scalar_type());
}

Residual mix_and_norm(const at::Tensor& x, const at::Tensor& x0, const at::Tensor& mix_2D) {
  const at::Tensor stream = blend(x, x0, mix_2D[0], mix_2D[1]);
  return {stream, rms_norm(stream)};
}

Residual add_and_norm(const at::Tensor& x, const at::Tensor& y, const at::Tensor& scale_D) {
  const at::Tensor stream = add_scaled(x, y, scale_D);
  return {stream, rms_norm(stream)};
}

at::Tensor add_scaled(const at::Tensor& x, const at::Tensor& y, const at::Tensor& scale_D) {
  return (x + scale_D * y).to(x.scalar_type());
}

Heads split_heads(const at::Tensor& projected_MC, const at::Tensor& gain_H,
                  const RotaryTable& rotary, const at::Tensor& positions_M) {
  const at::ScalarType type = projected_MC.scalar_type();
  const int64_t heads = gain_H.size(0);
  const at::Tensor split = projected_MC.unflatten(-1, {-1, rotary.head_width});
  const int64_t kv_heads = (split.size(1) - heads) / 2;
  const at::Tensor cos = rotary.cos_TR.index_select(0, positions_M);
  const at::Tensor sin = rotary.sin_TR.index_select(0, positions_M);
  const auto turned = [&](int64_t first, int64_t count) {
    return rotate(rms_norm(split.narrow(1, first, count).to(cos.scalar_type())), cos, sin);
  };
  return {(turned(0, heads) * gain_H.unsqueeze(-1)).to(type), turned(heads, kv_heads).to(type),
          split.narrow(1, heads + kv_heads, kv_heads)};
}

at::Tensor squared_relu(const at::Tensor& x) { return at::relu(x).square(); }

at::Tensor capped(const at::Tensor& raw, double softcap) {
  return softcap * at::tanh(raw.to(at::toOpMathType(raw.scalar_type())) / softcap);
}

at::Tensor cross_entropy(const at::Tensor& features, const at::Tensor& embedding_VD,
                         const at::Tensor& targets, double softcap) {
  const at::Tensor logits = capped(at::linear(features, embedding_VD), softcap);
  return -at::log_softmax(logits, -1).gather(-1, targets.unsqueeze(-1)).squeeze(-1);
}

at::Tensor spread(const at::Tensor& x_RC, const at::Tensor& slots_RJ, int64_t slots) {
  const at::Tensor empty_NC = at::zeros({slots, x_RC.size(1)}, x_RC.options().requires_grad(false));
  return at::index_copy(empty_NC, 0, slots_RJ.flatten(),
                        x_RC.repeat_interleave(slots_RJ.size(1), 0));
}

at::Tensor combine(const at::Tensor& packed_NC, const at::Tensor& slots_RJ,
                   const at::Tensor& weights_RJ) {
  const at::Tensor found_RJC =
      packed_NC.index_select(0, slots_RJ.flatten()).unflatten(0, slots_RJ.sizes());
  return (found_RJC * weights_RJ.unsqueeze(-1)).sum(1).to(packed_NC.scalar_type());
}

Steps compare_states(const at::Tensor& oldest_ND, const at::Tensor& before_ND,
                     const at::Tensor& now_ND) {
  const at::ScalarType wide = at::toOpMathType(now_ND.scalar_type());
  const at::Tensor oldest = oldest_ND.to(wide), before = before_ND.to(wide), now = now_ND.to(wide);
  const auto length = [](const at::Tensor& x_ND) { return x_ND.norm(2, -1); };
  const at::Tensor step_ND = now - before, length_N = length(now);
  return {length(step_ND) / length_N, (now * before).sum(-1) / (length_N * length(before)),
          length(step_ND - (before - oldest)) / length_N};
}

}  // namespace reprise::ops::reference
