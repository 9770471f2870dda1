#include "models/artifact/quantisers/least_squares.h"

#include <numeric>

#include "models/artifact/quantisers/cholesky.h"

namespace reprise {
namespace {

constexpr double kRidge = 1e-9;  ///< of the mean of the diagonal

}  // namespace

bool solve_least_squares(std::span<double> matrix, std::span<double> right_side) {
  const size_t size = right_side.size();
  double trace = 0;
  for (size_t i = 0; i < size; ++i) trace += matrix[i * size + i];
  for (size_t i = 0; i < size; ++i)
    matrix[i * size + i] += kRidge * trace / static_cast<double>(size);
  if (!factorise_upper(matrix, size)) return false;
  for (size_t i = size; i-- > 0;) {  // V z = b
    const double* row = &matrix[i * size];
    const double known =
        std::inner_product(row + i + 1, row + size, right_side.data() + i + 1, 0.0);
    right_side[i] = (right_side[i] - known) / row[i];
  }
  for (size_t i = 0; i < size; ++i) {  // V^T x = z
    const double* row = &matrix[i * size];
    right_side[i] /= row[i];
    for (size_t k = i + 1; k < size; ++k) right_side[k] -= row[k] * right_side[i];
  }
  return true;
}

}  // namespace reprise
