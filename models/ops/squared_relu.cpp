#include "models/ops/squared_relu.h"

#include <ATen/ATen.h>

namespace reprise::ops {

at::Tensor squared_relu(const at::Tensor& x) { return at::relu(x).square(); }

}  // namespace reprise::ops
