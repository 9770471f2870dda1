#include "eval/predictions.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "eval/logit_block.h"

namespace reprise {

Predictions predict(const at::Tensor& logits_NV, const at::Tensor& targets_N) {
  Predictions predictions = blank_predictions(logits_NV.size(0));
  LogitBlock(logits_NV).predict(targets_beside(logits_NV, targets_N), 0, predictions);
  return predictions;
}

Predictions predict(const Network& network, const at::Tensor& features_ND,
                    const at::Tensor& targets_N) {
  const int64_t rows = features_ND.size(0), of_block = rows_of_block(network, features_ND.device());
  const at::Tensor targets = targets_beside(features_ND, targets_N);
  Predictions predictions = blank_predictions(rows);
  for (int64_t first = 0; first < rows; first += of_block) {
    const int64_t last = std::min(first + of_block, rows);
    LogitBlock(network.logits(features_ND.slice(0, first, last)))
        .predict(targets.slice(0, first, last), first, predictions);
  }
  return predictions;
}

}  // namespace reprise
