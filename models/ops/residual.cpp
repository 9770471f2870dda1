#include "models/ops/residual.h"

#include "models/ops/rms_norm.h"

namespace reprise::ops {

Residual mix_and_norm(const at::Tensor& x, const at::Tensor& x0, const at::Tensor& mix_2D) {
  const at::Tensor stream = (mix_2D[0] * x + mix_2D[1] * x0).to(x.scalar_type());
  return {stream, rms_norm(stream)};
}

Residual add_and_norm(const at::Tensor& x, const at::Tensor& y, const at::Tensor& scale_D) {
  const at::Tensor stream = add_scaled(x, y, scale_D);
  return {stream, rms_norm(stream)};
}

at::Tensor add_scaled(const at::Tensor& x, const at::Tensor& y, const at::Tensor& scale_D) {
  return (x + scale_D * y).to(x.scalar_type());
}

}  // namespace reprise::ops
