// How fast this machine multiplies matrices: the yardstick beside which training speed is shown.
#pragma once

#include <ATen/core/Tensor.h>

#include "base/device.h"

namespace reprise {

/// Operations a second of at::linear, the best of a few runs: on the host 4096 x 512 by 512 x 1024
/// on this process's threads, about a quarter of a second; on a GPU, which that would not fill,
/// 8192 x 8192 by 8192 x 8192.
double measure_matrix_peak(at::ScalarType type, const ComputeDevice& device);

}  // namespace reprise
