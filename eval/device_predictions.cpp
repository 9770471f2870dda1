#include "eval/device_predictions.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace reprise {
namespace {

/// A distribution in fp64, and its logarithm.
struct Distribution {
  explicit Distribution(const at::Tensor& logits_NV)
      : logs_NV(logits_NV.log_softmax(-1, at::kDouble)), shares_NV(logs_NV.exp()) {}
  at::Tensor entropy_N() const { return -(shares_NV * logs_NV).sum(-1); }

  at::Tensor logs_NV, shares_NV;
};

}  // namespace

at::Tensor score_rows(const at::Tensor& logits_NV, const at::Tensor& targets_N) {
  const at::Tensor top_N1 = logits_NV.amax(-1, true), shifted_NV = logits_NV - top_N1;
  const at::Tensor weights_NV = shifted_NV.exp();
  const at::Tensor mass_N = weights_NV.sum(-1, /*keepdim=*/false, at::kDouble);
  const at::Tensor moment_N = weights_NV.to(at::kDouble).mul_(shifted_NV).sum(-1);
  const at::Tensor log_mass_N = mass_N.log();
  const at::Tensor aimed_N1 = logits_NV.gather(-1, targets_N.unsqueeze(-1));
  const at::Tensor below_top_N = (top_N1.to(at::kDouble) - aimed_N1).squeeze(-1);

  const int64_t two = std::min<int64_t>(2, logits_NV.size(1));
  const at::Tensor largest_NK = std::get<0>(weights_NV.topk(two)).to(at::kDouble);
  const at::Tensor first_N = largest_NK.select(-1, 0);
  const at::Tensor second_N = two == 2 ? largest_NK.select(-1, 1) : at::zeros_like(first_N);
  // argmax() gives the first of equals.
  const at::Tensor right_N = weights_NV.argmax(-1) == targets_N;
  return at::stack({log_mass_N + below_top_N, (log_mass_N - moment_N / mass_N).clamp_min(0),
                    (first_N - second_N) / mass_N, first_N / mass_N, right_N.to(at::kDouble)});
}

at::Tensor compare_rows(const at::Tensor& p_NV, const at::Tensor& q_NV, const at::Tensor& r_NV) {
  const Distribution p(p_NV), q(q_NV), r(r_NV);
  const at::Tensor flip_N = p_NV.argmax(-1) != q_NV.argmax(-1);
  return at::stack({p.shares_NV.amax(-1),
                    (p.shares_NV * (p.logs_NV - q.logs_NV)).sum(-1).clamp_min(0),
                    p.entropy_N() - q.entropy_N(), flip_N.to(at::kDouble),
                    (p.shares_NV - r.shares_NV).abs().sum(-1) / 2});
}

}  // namespace reprise
