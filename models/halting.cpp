#include "models/halting.h"

#include <ATen/ATen.h>

namespace reprise {
namespace {

/// [1, M], in the type of the scores.
at::Tensor zero_row(const at::Tensor& scores_QM) {
  return at::zeros({1, scores_QM.size(1)}, scores_QM.options());
}

/// Row t: the sum of the rows up to t. In this order on every device, which cumsum() has not.
at::Tensor sums_so_far(const at::Tensor& values_QM) {
  std::vector<at::Tensor> sums_M;
  for (const at::Tensor& row_M : values_QM.unbind(0))
    sums_M.push_back(sums_M.empty() ? row_M : sums_M.back() + row_M);
  return sums_M.empty() ? values_QM : at::stack(sums_M);
}

/// log prod_{s<=t} (1 - lambda_s).
at::Tensor log_left(const at::Tensor& scores_QM) {
  return sums_so_far(at::log_sigmoid(-scores_QM));
}

}  // namespace

at::Tensor log_exit_probabilities(const at::Tensor& scores_QM) {
  const at::Tensor certain = zero_row(scores_QM);
  return at::cat({at::log_sigmoid(scores_QM), certain}) + at::cat({certain, log_left(scores_QM)});
}

at::Tensor exit_row(const at::Tensor& scores_QM, double threshold) {
  const at::Tensor halted_QM = -log_left(scores_QM.detach()).expm1();
  return (halted_QM < threshold).sum(0);  // they grow with the passes
}

Pondering ponder(const at::Tensor& scores_QM) {
  const at::Tensor rates_QM = scores_QM.sigmoid();
  const at::Tensor going_on_QM = sums_so_far(rates_QM) < 1 - kPonderEpsilon;  // behind the pass
  Pondering pondering;
  pondering.halted_M = going_on_QM.sum(0);
  const at::Tensor before_QM = rates_QM * going_on_QM;
  pondering.remainder_M = 1 - before_QM.sum(0);
  const at::Tensor rows_Q1 =
      at::arange(scores_QM.size(0) + 1, pondering.halted_M.options()).unsqueeze(-1);
  pondering.weights = at::cat({before_QM, zero_row(scores_QM)}) +
                      (rows_Q1 == pondering.halted_M) * pondering.remainder_M;
  return pondering;
}

}  // namespace reprise
