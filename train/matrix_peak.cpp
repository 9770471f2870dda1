#include "train/matrix_peak.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <chrono>

namespace reprise {

double measure_matrix_peak(at::ScalarType type) {
  constexpr int64_t kRows = 4096, kInner = 512, kColumns = 1024;
  constexpr int kRuns = 5;
  const torch::autograd::AutoGradMode no_graph(false);
  const at::Tensor input = at::ones({kRows, kInner}, type),
                   weight = at::ones({kColumns, kInner}, type);
  double best_s = 1e30;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = std::chrono::steady_clock::now();
    at::linear(input, weight);
    best_s = std::min(
        best_s, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return 2.0 * kRows * kInner * kColumns / best_s;
}

}  // namespace reprise
