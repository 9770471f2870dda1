#include "train/objectives/export_step.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>
#include <limits>

#include "models/artifact/quantisers/row_quantiser.h"

namespace reprise {

at::Tensor through_codes(const at::Tensor& weight_RC, const at::Tensor& steps_R1, int64_t bits) {
  const int largest = largest_code(bits);
  return (weight_RC / steps_R1).clamp(-largest, largest).round() * steps_R1;
}

at::Tensor export_steps(const at::Tensor& weight_RC, int64_t bits) {
  const torch::autograd::AutoGradMode no_graph(false);
  const double mean_square = weight_RC.to(at::kDouble).square().mean().item<double>();
  at::Tensor steps_R1 = at::ones({weight_RC.size(0), 1}, weight_RC.options());
  at::Tensor least_R1 = at::full_like(steps_R1, std::numeric_limits<double>::infinity());
  for (const float scale : row_scales(std::sqrt(mean_square), bits)) {
    const at::Tensor step_R1 = at::full_like(steps_R1, scale);
    const at::Tensor error_R1 =
        (weight_RC - through_codes(weight_RC, step_R1, bits)).square().sum(1, /*keepdim=*/true);
    const at::Tensor better_R1 = error_R1 < least_R1;
    steps_R1 = at::where(better_R1, step_R1, steps_R1);
    least_R1 = at::where(better_R1, error_R1, least_R1);
  }
  return steps_R1;
}

at::Tensor code_entropy_bits(const at::Tensor& weight_RC, const at::Tensor& steps_R1,
                             int64_t bits) {
  const int largest = largest_code(bits);
  const at::Tensor rms = weight_RC.square().mean().sqrt();
  const auto count = static_cast<double>(weight_RC.numel());
  if (rms.item<double>() == 0) return (weight_RC * 0).sum();  // all codes are 0
  const at::Tensor codes =
      (weight_RC / (steps_R1 * (rms / rms.detach()))).clamp(-largest, largest).flatten() +
      static_cast<double>(largest);
  const at::Tensor below = codes.detach().floor();
  const at::Tensor share_above = codes - below;
  const at::Tensor bins = below.to(at::kLong);
  const at::Tensor histogram = at::zeros({2 * largest + 2}, weight_RC.options())
                                   .index_add(0, bins, 1 - share_above)
                                   .index_add(0, bins + 1, share_above) /
                               count;
  return -(histogram * histogram.clamp_min(0.5 / count).log2()).sum();
}

}  // namespace reprise
