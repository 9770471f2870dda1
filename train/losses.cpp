#include "train/losses.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace reprise {

at::Tensor deep_supervision(std::span<const at::Tensor> nats_per_pass,
                            std::span<const double> weights) {
  double total = 0;
  for (const double weight : weights) total += weight;
  require(nats_per_pass.size() == weights.size() && total > 0, ExitCode::kFailure,
          "deep supervision has ", weights.size(), " weights of sum ", total, " for ",
          nats_per_pass.size(), " passes");
  at::Tensor sum;
  for (size_t pass = 0; pass < weights.size(); ++pass) {
    const at::Tensor part = nats_per_pass[pass].sum() * (weights[pass] / total);
    sum = sum.defined() ? sum + part : part;
  }
  return sum;
}

at::Tensor gated_refinement(const at::Tensor& coarse, const at::Tensor& refined_M,
                            const at::Tensor& rows_M, double kappa) {
  const at::Tensor coarse_N = coarse.flatten();
  return coarse_N.index_fill(0, rows_M, 0).sum() + refined_M.sum() + kappa * coarse_N.sum();
}

at::Tensor monotone(const at::Tensor& earlier, const at::Tensor& later, double margin) {
  return at::relu(later - earlier.detach() + margin).sum();
}

at::Tensor state_distance(const at::Tensor& last, const at::Tensor& early) {
  const auto sums = at::toOpMathType(early.scalar_type());
  return (last.detach().to(sums) - early.to(sums)).square().mean(-1).sum();
}

at::Tensor prediction_distance(const at::Tensor& last_logits, const at::Tensor& early_logits) {
  const at::Tensor log_p = at::log_softmax(last_logits.detach(), -1);
  return (log_p.exp() * (log_p - at::log_softmax(early_logits, -1))).sum();
}

at::Tensor norm_change(const at::Tensor& earlier, const at::Tensor& later) {
  const auto sums = at::toOpMathType(later.scalar_type());
  const double root_width = std::sqrt(static_cast<double>(later.size(-1)));
  const auto rms = [&](const at::Tensor& states) {
    return at::linalg_vector_norm(states.to(sums), 2, at::IntArrayRef{-1}) / root_width;
  };
  return (rms(later) - rms(earlier)).square().sum();
}

std::vector<double> pass_weights(const PassWeights& options, int64_t passes, double progress) {
  std::vector<double> weights(static_cast<size_t>(passes), 1.0);
  for (int64_t pass = 0; pass + 1 < passes; ++pass) {
    double& weight = weights[static_cast<size_t>(pass)];
    switch (options.weighting) {
      case PassWeighting::kUniform:
        break;
      case PassWeighting::kGeometric:
        weight = std::pow(options.decay, static_cast<double>(passes - 1 - pass));
        break;
      case PassWeighting::kAnnealed:
        weight = std::max(0.0, 1 - progress / options.anneal_share);
        break;
    }
  }
  return weights;
}

}  // namespace reprise
