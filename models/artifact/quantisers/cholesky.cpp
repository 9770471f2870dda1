#include "models/artifact/quantisers/cholesky.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace reprise {
namespace {

/// In eight sums, which one vector register holds.
double dot(const double* a, const double* b, size_t count) {
  constexpr size_t kLanes = 8;
  std::array<double, kLanes> sums{};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  double sum = 0;
  for (; i < count; ++i) sum += a[i] * b[i];
  for (const double lane : sums) sum += lane;
  return sum;
}

}  // namespace

bool factorise_upper(std::span<double> matrix_NN, size_t n) {
  // Column j of V from the last to the first: what lies right of it is done, row by row contiguous.
  for (size_t j = n; j-- > 0;) {
    const double* row_j = &matrix_NN[j * n];
    const double pivot = row_j[j] - dot(row_j + j + 1, row_j + j + 1, n - j - 1);
    if (!(pivot > 0) || !std::isfinite(pivot)) return false;
    const double root = std::sqrt(pivot);
    matrix_NN[j * n + j] = root;
    for (size_t i = 0; i < j; ++i) {
      double* row_i = &matrix_NN[i * n];
      row_i[j] = (row_i[j] - dot(row_i + j + 1, row_j + j + 1, n - j - 1)) / root;
    }
  }
  return true;
}

}  // namespace reprise
