#include "models/ops/rms_norm.h"

#include <ATen/OpMathType.h>

namespace reprise::ops {

at::Tensor rms_norm(const at::Tensor& x) {
  const at::Tensor wide = x.to(at::toOpMathType(x.scalar_type()));
  return (wide * at::rsqrt(wide.square().mean(-1, true) + kNormEpsilon)).to(x.scalar_type());
}

}  // namespace reprise::ops
