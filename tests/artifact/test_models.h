// Models of random weights for the packer's tests.
#pragma once

#include "models/artifact/packing/packer.h"

namespace reprise {

/// The tensors of a small transformer of `width`: an embedding of 4 * width rows, `layers` times a
/// pair of matrices and two vectors. Rows differ in spread, and some weights are outliers, as in
/// trained models. Knows its own size at other widths.
UnpackedModel random_model(int64_t width, int64_t layers, uint64_t seed);

/// random_model(32, 1, 9) packed into 6,000 bytes.
const std::string& small_file();

/// Options that ask for nothing that a calibration tells.
PackOptions uncalibrated(int64_t bytes = 0);

/// Normal numbers of the given spread with one in `outlier_every` eight times larger.
std::vector<float> random_values(int64_t count, double spread, uint64_t seed,
                                 int64_t outlier_every = 500);

}  // namespace reprise
