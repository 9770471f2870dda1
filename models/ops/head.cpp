#include "models/ops/head.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

namespace reprise::ops {

at::Tensor capped_logits(const at::Tensor& features, const at::Tensor& embedding_VD,
                         double softcap) {
  const at::Tensor raw =
      at::linear(features, embedding_VD).to(at::toOpMathType(features.scalar_type()));
  return softcap * at::tanh(raw / softcap);
}

at::Tensor cross_entropy(const at::Tensor& features, const at::Tensor& embedding_VD,
                         const at::Tensor& targets, double softcap) {
  const at::Tensor logits = capped_logits(features, embedding_VD, softcap);
  return -at::log_softmax(logits, -1).gather(-1, targets.unsqueeze(-1)).squeeze(-1);
}

}  // namespace reprise::ops
