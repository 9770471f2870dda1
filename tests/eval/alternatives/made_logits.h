// Logits and targets that chance makes, for fits without a network.
#pragma once

#include <ATen/ATen.h>

#include "base/random.h"

namespace reprise {

/// Normal, of this deviation; fp64 [N, V].
inline at::Tensor made_logits(int64_t rows, int64_t vocab, double deviation, uint32_t step = 0) {
  const RandomStream draw(21, Purpose::kTest, step);
  std::vector<double> values;
  for (int64_t i = 0; i < rows * vocab; ++i)
    values.push_back(deviation * draw.normal(static_cast<uint64_t>(i)));
  return at::tensor(values, at::kDouble).view({rows, vocab});
}

/// Each drawn from the softmax of its row.
inline at::Tensor drawn_targets(const at::Tensor& logits_NV, uint32_t step = 1) {
  const RandomStream draw(22, Purpose::kTest, step);
  const at::Tensor below_NV = logits_NV.softmax(1).cumsum(1);
  std::vector<int64_t> targets;
  for (int64_t n = 0; n < logits_NV.size(0); ++n) {
    const double u = draw.uniform(static_cast<uint64_t>(n));
    targets.push_back(std::min(below_NV[n].lt(u).sum().item<int64_t>(), logits_NV.size(1) - 1));
  }
  return at::tensor(targets, at::kLong);
}

}  // namespace reprise
