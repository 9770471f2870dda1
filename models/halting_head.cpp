#include "models/halting_head.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include "models/halting.h"
#include "models/ops/rms_norm.h"

namespace reprise {

HaltingHead::HaltingHead(const Parameters& parameters, at::ScalarType compute)
    : weight_D_(parameters["halt.weight"].to(at::toOpMathType(compute))),
      bias_1_(parameters["halt.bias"].to(at::toOpMathType(compute))) {}

at::Tensor HaltingHead::scores(std::span<const Stream> streams) const {
  std::vector<at::Tensor> scores_M;
  for (const Stream& stream : streams.first(streams.size() - 1))
    scores_M.push_back(
        at::mv(ops::rms_norm(stream.hidden_MD).to(weight_D_.scalar_type()), weight_D_) + bias_1_);
  const int64_t positions = streams.back().hidden_MD.size(0);
  return scores_M.empty() ? at::empty({0, positions}, weight_D_.options()) : at::stack(scores_M);
}

Stream halt(const ModelOptions& options, std::span<const Stream> streams,
            const at::Tensor& scores_QM) {
  if (options.halting == Halting::kMixture) {
    const at::Tensor weights = ponder(scores_QM).weights.unsqueeze(-1);
    return combine(streams, [&](const auto& of_passes) {  // fp32 sums
      at::Tensor sum = weights[0] * of_passes[0];
      for (size_t row = 1; row < of_passes.size(); ++row)
        sum = sum + weights[static_cast<int64_t>(row)] * of_passes[row];
      return sum.to(of_passes[0].scalar_type());
    });
  }
  const at::Tensor row_M1 = exit_row(scores_QM, options.halt_threshold).unsqueeze(-1);
  return combine(streams, [&](const auto& of_passes) {
    at::Tensor taken = of_passes.back();
    for (size_t row = 0; row + 1 < of_passes.size(); ++row)
      taken = at::where(row_M1 == static_cast<int64_t>(row), of_passes[row], taken);
    return taken;
  });
}

}  // namespace reprise
