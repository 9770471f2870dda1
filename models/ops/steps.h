// How the residual stream moved: the last three states of each row, compared.
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::ops {

/// [N], fp32 (fp64 for fp64), with D_n = now - before and D_{n-1} = before - oldest. Not finite
/// where `now` (for the cosine, or `before`) is zero.
struct Steps {
  at::Tensor residual_N;      ///< |D_n| / |now|
  at::Tensor cosine_N;        ///< cos(now, before)
  at::Tensor second_order_N;  ///< |D_n - D_{n-1}| / |now|
};

/// Three [N, D] of one type. Not differentiable.
Steps compare_states(const at::Tensor& oldest_ND, const at::Tensor& before_ND,
                     const at::Tensor& now_ND);

}  // namespace reprise::ops
