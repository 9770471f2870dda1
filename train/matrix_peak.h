// How fast this machine multiplies matrices: the yardstick beside which training speed is shown.
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise {

/// Operations a second of at::linear on 4096 x 512 by 512 x 1024, the best of a few runs on this
/// process's threads. About a quarter of a second.
double measure_matrix_peak(at::ScalarType type);

}  // namespace reprise
