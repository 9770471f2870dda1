#include "eval/device_predictions.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace reprise {

at::Tensor score_rows(const at::Tensor& logits_NV, const at::Tensor& targets_N) {
  const at::Tensor shifted_NV = logits_NV - logits_NV.amax(-1, true);
  const at::Tensor weights_NV = shifted_NV.exp();
  const at::Tensor mass_N = weights_NV.sum(-1, /*keepdim=*/false, at::kDouble);
  const at::Tensor moment_N = weights_NV.to(at::kDouble).mul_(shifted_NV).sum(-1);
  const at::Tensor log_mass_N = mass_N.log();
  const at::Tensor aimed_N = shifted_NV.gather(-1, targets_N.unsqueeze(-1)).squeeze(-1);

  const int64_t two = std::min<int64_t>(2, logits_NV.size(1));
  const at::Tensor largest_NK = std::get<0>(weights_NV.topk(two)).to(at::kDouble);
  const at::Tensor second_N =
      two == 2 ? largest_NK.select(-1, 1) : at::zeros_like(largest_NK.select(-1, 0));
  // argmax() gives the first of equals.
  const at::Tensor right_N = weights_NV.argmax(-1) == targets_N;
  return at::stack({(log_mass_N - aimed_N).clamp_min(0),
                    (log_mass_N - moment_N / mass_N).clamp_min(0),
                    (largest_NK.select(-1, 0) - second_N) / mass_N, right_N.to(at::kDouble),
                    largest_NK.select(-1, 0) / mass_N});
}

}  // namespace reprise
