// The MLP's activation (So et al., "Primer", 2021).
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::ops {

/// max(x, 0)^2, element by element.
at::Tensor squared_relu(const at::Tensor& x);

}  // namespace reprise::ops
