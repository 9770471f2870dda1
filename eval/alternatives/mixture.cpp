#include "eval/alternatives/mixture.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "models/device.h"

namespace reprise {
namespace {

/// What each row's logits are multiplied by, [N, 1].
at::Tensor scales_of(const ReadoutChange& change, std::span<const uint8_t> picked) {
  std::vector<double> scales;
  for (const uint8_t p : picked) scales.push_back(p ? change.scale_picked : change.scale);
  return at::tensor(scales, at::kDouble).unsqueeze(1);
}

}  // namespace

at::Tensor changed(const at::Tensor& logits_NV, const ReadoutChange& change,
                   std::span<const uint8_t> picked) {
  const at::Tensor scaled_NV =
      change.scale == change.scale_picked
          ? logits_NV * change.scale
          : logits_NV * moved_to(logits_NV.device(), scales_of(change, picked));
  return change.bias_V.defined() ? scaled_NV + moved_to(logits_NV.device(), change.bias_V)
                                 : scaled_NV;
}

std::vector<double> target_log_probabilities(const at::Tensor& logits_NV,
                                             const at::Tensor& targets_N) {
  const at::Tensor own_N1 = moved_to(logits_NV.device(), targets_N).unsqueeze(1);
  const at::Tensor log_p_N =
      (logits_NV.gather(1, own_N1).squeeze(1) - logits_NV.logsumexp(1)).cpu().contiguous();
  const double* values = log_p_N.const_data_ptr<double>();
  return {values, values + log_p_N.numel()};
}

std::vector<double> mixture_nats(std::span<const std::vector<double>> log_probabilities) {
  const double log_count = std::log(static_cast<double>(log_probabilities.size()));
  std::vector<double> nats;
  for (size_t n = 0; n < log_probabilities[0].size(); ++n) {
    double largest = log_probabilities[0][n], sum = 0;
    for (const auto& one : log_probabilities) largest = std::max(largest, one[n]);
    for (const auto& one : log_probabilities) sum += std::exp(one[n] - largest);
    // Of equal ones the logarithms are equal: their difference is 0, not nearly 0.
    nats.push_back(-(largest + (std::log(sum) - log_count)));
  }
  return nats;
}

}  // namespace reprise
