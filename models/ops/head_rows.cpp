#include "models/ops/head_rows.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

namespace reprise::ops {
namespace {

/// tanh(raw / softcap), in the type sums are taken in.
at::Tensor saturation(const at::Tensor& raw_NV, double softcap) {
  return at::tanh(raw_NV.to(at::toOpMathType(raw_NV.scalar_type())) / softcap);
}

}  // namespace

RowLosses losses_of_rows(const at::Tensor& raw_NV, const at::Tensor& targets_N, double softcap) {
  const at::Tensor capped_NV = saturation(raw_NV, softcap).mul_(softcap);
  const at::Tensor log_sums_N = at::logsumexp(capped_NV, -1);
  const at::Tensor aimed_N = capped_NV.gather(-1, targets_N.unsqueeze(-1)).squeeze(-1);
  return {log_sums_N - aimed_N, log_sums_N};
}

at::Tensor slopes_of_rows(const RowLossGradients& given) {
  const at::Tensor saturation_NV = saturation(given.raw_NV, given.softcap);
  at::Tensor slopes_NV =
      (saturation_NV * given.softcap).sub_(given.log_sums_N.unsqueeze(-1)).exp_();
  const at::Tensor targets_N1 = given.targets_N.unsqueeze(-1);
  slopes_NV.scatter_add_(-1, targets_N1, at::full_like(targets_N1, -1, slopes_NV.options()));
  slopes_NV.mul_(given.grad_nats_N.unsqueeze(-1)).mul_(1 - saturation_NV.square());
  return slopes_NV.to(given.raw_NV.scalar_type());
}

}  // namespace reprise::ops
