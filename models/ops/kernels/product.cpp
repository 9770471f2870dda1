// A matrix product for machines without just-in-time ones: tiles of the result stay in registers
// while the inner dimension runs.
#include "models/ops/kernels/attention.h"

namespace reprise::ops::REPRISE_ISA {

namespace {

constexpr int64_t kTileRows = 4, kTileColumns = 16;

/// One tile of the result, `rows` by `columns`, at most a whole one. Whole tiles take constants, so
/// that the compiler unrolls them.
template <class W>
void multiply_tile(const ProductShape& s, const W* left, const W* right, W* out, Into into,
                   int64_t rows, int64_t columns) {
  W sums[kTileRows][kTileColumns] = {};
  for (int64_t k = 0; k < s.inner; ++k)
    for (int64_t r = 0; r < rows; ++r)
#pragma omp simd
      for (int64_t c = 0; c < columns; ++c)
        sums[r][c] += left[r * s.left_stride + k] * right[k * s.right_stride + c];
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      W& to = out[r * s.out_stride + c];
      to = into == Into::kAdd ? to + sums[r][c] : sums[r][c];
    }
}

}  // namespace

template <class W>
void multiply(const ProductShape& s, const W* left, const W* right, W* out, Into into) {
  for (int64_t r = 0; r < s.rows; r += kTileRows)
    for (int64_t c = 0; c < s.columns; c += kTileColumns) {
      const int64_t rows = s.rows - r < kTileRows ? s.rows - r : kTileRows;
      const int64_t columns = s.columns - c < kTileColumns ? s.columns - c : kTileColumns;
      const W *left_tile = left + r * s.left_stride, *right_tile = right + c;
      W* out_tile = out + r * s.out_stride + c;
      if (rows == kTileRows && columns == kTileColumns)
        multiply_tile(s, left_tile, right_tile, out_tile, into, kTileRows, kTileColumns);
      else
        multiply_tile(s, left_tile, right_tile, out_tile, into, rows, columns);
    }
}

template void multiply(const ProductShape&, const float*, const float*, float*, Into);
template void multiply(const ProductShape&, const double*, const double*, double*, Into);

}  // namespace reprise::ops::REPRISE_ISA
