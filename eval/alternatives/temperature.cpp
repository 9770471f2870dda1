#include "eval/alternatives/temperature.h"

#include <ATen/ATen.h>

#include <cmath>

#include "models/device.h"

namespace reprise {
namespace {

constexpr double kTolerance = 1e-10;  // of the scale: f is flat to rounding long before
constexpr int kMostRounds = 60;

std::vector<double> on_host(const at::Tensor& values_N) {
  const at::Tensor host = values_N.cpu().contiguous();
  return {host.const_data_ptr<double>(), host.const_data_ptr<double>() + host.numel()};
}

}  // namespace

ScaleDerivatives scale_derivatives(const at::Tensor& logits_NV, const at::Tensor& targets_N,
                                   const std::vector<double>& scales) {
  const at::Device device = logits_NV.device();
  const at::Tensor scale_N = moved_to(device, at::tensor(scales, at::kDouble));
  const at::Tensor z_NV = logits_NV - logits_NV.amax(1, true);
  const at::Tensor own_N = z_NV.gather(1, moved_to(device, targets_N).unsqueeze(1)).squeeze(1);
  const at::Tensor weights_NV = (z_NV * scale_N.unsqueeze(1)).exp();
  const at::Tensor mass_N = weights_NV.sum(1);
  const at::Tensor mean_N = (weights_NV * z_NV).sum(1) / mass_N;
  const at::Tensor from_mean_NV = z_NV - mean_N.unsqueeze(1);
  return {on_host(mass_N.log() - scale_N * own_N), on_host(mean_N - own_N),
          on_host((weights_NV * from_mean_NV.square()).sum(1) / mass_N)};
}

void ScaleSearch::take(double slope, double curvature) {
  (slope > 0 ? high_ : low_) = scale_;
  double next = scale_ - slope / curvature;
  const bool inside = low_ < next && next < high_;  // false of a NaN
  if (slope == 0)
    next = scale_;
  else if (!inside)
    next = std::sqrt(low_ * high_);
  done_ = std::abs(next - scale_) <= kTolerance * scale_ || ++rounds_ == kMostRounds;
  scale_ = next;
}

}  // namespace reprise
