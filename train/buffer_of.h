// A tensor's memory for a collective.
#pragma once

#include <ATen/core/Tensor.h>

#include "base/comm/communicator.h"

namespace reprise {

/// `tensor` is contiguous, fp32 or fp64, and outlives the buffer.
inline Buffer buffer_of(const at::Tensor& tensor) {
  const bool is_wide = tensor.scalar_type() == at::kDouble;
  return {tensor.data_ptr(), tensor.numel(), is_wide ? Element::kFloat64 : Element::kFloat32};
}

}  // namespace reprise
