#include "train/matrix_peak.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>

#include "base/comm/gpu.h"
#include "base/stopwatch.h"
#include "models/device.h"

namespace reprise {
namespace {

/// [rows, inner] by [inner, columns].
struct ProductSize {
  int64_t rows, inner, columns;
};

/// Work on a GPU is enqueued: time counts once it is done.
void wait_for(const ComputeDevice& device) {
  if (device.on_gpu()) wait_for_gpu();
}

}  // namespace

double measure_matrix_peak(at::ScalarType type, const ComputeDevice& device) {
  const ProductSize size =
      device.on_gpu() ? ProductSize{8192, 8192, 8192} : ProductSize{4096, 512, 1024};
  constexpr int kRuns = 5;
  const torch::autograd::AutoGradMode no_graph(false);
  const auto options = at::TensorOptions(tensor_device(device)).dtype(type);
  const at::Tensor input = at::ones({size.rows, size.inner}, options),
                   weight = at::ones({size.columns, size.inner}, options);
  double best_s = 1e30;
  for (int run = 0; run < kRuns; ++run) {
    wait_for(device);
    const Stopwatch watch;
    at::linear(input, weight);
    wait_for(device);
    best_s = std::min(best_s, watch.seconds());
  }
  return 2.0 * static_cast<double>(size.rows * size.inner * size.columns) / best_s;
}

}  // namespace reprise
