// Tensors and the device a rank computes on.
#pragma once

#include <ATen/core/Tensor.h>

#include "base/device.h"

namespace reprise {

/// Where libtorch puts this rank's tensors.
at::Device tensor_device(const ComputeDevice& device);

/// The tensor on `device`: itself where it lies there. From the host to a GPU the copy is enqueued,
/// out of pinned memory, and the host does not wait for it.
at::Tensor moved_to(at::Device device, const at::Tensor& tensor);

}  // namespace reprise
