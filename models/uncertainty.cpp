#include "models/uncertainty.h"

#include <ATen/ATen.h>

#include <cmath>

namespace reprise {

at::Tensor entropy_nats(const at::Tensor& logits) {
  const at::Tensor log_p = at::log_softmax(logits, -1);
  return -(log_p.exp() * log_p).sum(-1);
}

int64_t rows_to_refine(double fraction, int64_t length) {
  return std::llround(fraction * static_cast<double>(length));
}

at::Tensor pick_most_uncertain(const at::Tensor& entropy_BT, double fraction) {
  const int64_t sequences = entropy_BT.size(0), length = entropy_BT.size(1);
  const int64_t count = rows_to_refine(fraction, length);
  const at::Tensor columns_BK =
      std::get<1>(entropy_BT.topk(count, /*dim=*/1, /*largest=*/true, /*sorted=*/false));
  const at::Tensor first_B1 = at::arange(sequences, columns_BK.options()).unsqueeze(1) * length;
  return std::get<0>((columns_BK + first_B1).flatten().sort());
}

}  // namespace reprise
