#include "train/objectives/token_weights.h"

#include <ATen/ATen.h>

#include "models/device.h"

namespace reprise {

at::Tensor hard_weights(const at::Tensor& uncertainty_BT) {
  const at::Tensor uncertainty = uncertainty_BT.detach();
  const at::Tensor mean_B1 = uncertainty.mean(1, /*keepdim=*/true);
  return at::where(mean_B1 > 0, uncertainty / mean_B1, at::ones_like(uncertainty));
}

at::Tensor shuffled_weights(const at::Tensor& weights_BT, const RandomStream& stream,
                            int64_t first_sequence) {
  const int64_t sequences = weights_BT.size(0), length = weights_BT.size(1);
  at::Tensor keys_BT = at::empty({sequences, length}, at::kDouble);
  double* keys = keys_BT.data_ptr<double>();
  for (int64_t i = 0; i < keys_BT.numel(); ++i)
    keys[i] = stream.uniform(static_cast<uint64_t>(first_sequence * length + i));
  return weights_BT.gather(1, moved_to(weights_BT.device(), keys_BT.argsort(int64_t{1})));
}

}  // namespace reprise
