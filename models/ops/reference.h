// Every operation of this folder as a plain tensor expression: its definition, what runs on devices
// without kernels of ours, and what the kernels are tested against.
#pragma once

#include "models/ops/attention.h"
#include "models/ops/heads.h"
#include "models/ops/residual.h"
#include "models/ops/steps.h"

namespace reprise::ops::reference {

at::Tensor rms_norm(const at::Tensor& x);
Residual mix_and_norm(const at::Tensor& x, const at::Tensor& x0, const at::Tensor& mix_2D);
Residual add_and_norm(const at::Tensor& x, const at::Tensor& y, const at::Tensor& scale_D);
at::Tensor blend(const at::Tensor& x, const at::Tensor& y, const at::Tensor& first_D,
                 const at::Tensor& second_D);
at::Tensor add_scaled(const at::Tensor& x, const at::Tensor& y, const at::Tensor& scale_D);
Heads split_heads(const at::Tensor& projected_MC, const at::Tensor& gain_H,
                  const RotaryTable& rotary, const at::Tensor& positions_M);
at::Tensor squared_relu(const at::Tensor& x);
at::Tensor attention(const at::Tensor& queries_MHE, const KeyRows& rows, const Sight& sight);
Attended attend(const at::Tensor& queries_MHE, const KeyRows& rows, const Sight& sight);
/// Of one query at every position, of keys of which it sees those where the mask is true:
/// [B, T, H, E] by [B, S, G, E] under [B, T, S] -> [B, T, H E], in the whole matrix of scores.
at::Tensor masked_attention(const at::Tensor& queries_BTHE, const at::Tensor& keys_BSGE,
                            const at::Tensor& values_BSGE, const at::Tensor& seen_BTS);
/// [...] -> fp32 (fp64 for fp64): softcap * tanh(raw / softcap).
at::Tensor capped(const at::Tensor& raw, double softcap);
at::Tensor cross_entropy(const at::Tensor& features, const at::Tensor& embedding_VD,
                         const at::Tensor& targets, double softcap);
at::Tensor spread(const at::Tensor& x_RC, const at::Tensor& slots_RJ, int64_t slots);
at::Tensor combine(const at::Tensor& packed_NC, const at::Tensor& slots_RJ,
                   const at::Tensor& weights_RJ);
/// In fp32 (fp64 for fp64).
Steps compare_states(const at::Tensor& oldest_ND, const at::Tensor& before_ND,
                     const at::Tensor& now_ND);

}  // namespace reprise::ops::reference
