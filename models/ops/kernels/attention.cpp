#include "models/ops/kernels/attention.h"

#include <limits>

#include "models/ops/kernels/arithmetic.h"

namespace reprise::ops::REPRISE_ISA {

template <class W>
void multiply(const ProductShape&, const W*, const W*, W*, Into);  // product.cpp

namespace {

template <class P>
constexpr bool kInterleaved = std::is_same_v<P, Bf16>;

/// Where element (row, column) of a right operand with `columns` columns lies.
template <class P>
int64_t right_index(int64_t row, int64_t column, int64_t columns) {
  if constexpr (kInterleaved<P>) return (row / 2 * columns + column) * 2 + row % 2;
  return row * columns + column;
}

template <class P>
P zero() {
  return narrow<P>(Wide<P>{0});
}

template <class P, class T>
P convert(T x) {
  return narrow<P>(widen(x));
}

template <class T, class P>
void left(StridedRows<const T> rows, int64_t padded, P* out) {
  for (int64_t m = 0; m < padded; ++m) {
    const T* row = rows.first + m * rows.stride;
    P* to = out + m * rows.width;
    if (m < rows.count)
      for (int64_t i = 0; i < rows.width; ++i) to[i] = convert<P>(row[i]);
    else
      for (int64_t i = 0; i < rows.width; ++i) to[i] = zero<P>();
  }
}

template <class T, class P>
void left_transposed(StridedRows<const T> rows, int64_t padded, P* out) {
  for (int64_t i = 0; i < rows.width; ++i) {
    P* to = out + i * padded;
    for (int64_t m = 0; m < rows.count; ++m) to[m] = convert<P>(rows.first[m * rows.stride + i]);
    for (int64_t m = rows.count; m < padded; ++m) to[m] = zero<P>();
  }
}

template <class T, class P>
void right(StridedRows<const T> rows, int64_t padded, P* out) {
  for (int64_t m = 0; m < padded; ++m) {
    const T* row = rows.first + m * rows.stride;
    for (int64_t i = 0; i < rows.width; ++i)
      out[right_index<P>(m, i, rows.width)] = m < rows.count ? convert<P>(row[i]) : zero<P>();
  }
}

/// The columns that are written together, so that stores are contiguous; rows beyond count are
/// zero.
template <class T>
struct ColumnGroup {
  const T* rows[kColumnStep];
  ColumnGroup(StridedRows<const T> all, int64_t first, const T* zeros) {
    for (int64_t m = 0; m < kColumnStep; ++m)
      rows[m] = first + m < all.count ? all.first + (first + m) * all.stride : zeros;
  }
};

template <class T, class P>
void right_transposed(StridedRows<const T> rows, int64_t padded, P* out) {
  static constexpr T kZeros[kWidestHead] = {};
  for (int64_t first = 0; first < padded; first += kColumnStep) {
    const ColumnGroup<T> group(rows, first, kZeros);
    if constexpr (kInterleaved<P>) {
      auto* pairs = reinterpret_cast<uint32_t*>(out) + first;
      for (int64_t i = 0; i < rows.width; i += 2)
        for (int64_t m = 0; m < kColumnStep; ++m)
          pairs[i / 2 * kColumns + m] = group.rows[m][i].bits | uint32_t{group.rows[m][i + 1].bits}
                                                                    << 16;
    } else {
      for (int64_t i = 0; i < rows.width; ++i)
        for (int64_t m = 0; m < kColumnStep; ++m)
          out[i * kColumns + first + m] = convert<P>(group.rows[m][i]);
    }
  }
}

/// Writes two neighbouring rows of a right operand.
template <class P>
void write_right(const Wide<P>* upper, const Wide<P>* lower, int64_t row, int64_t columns, P* out) {
  if constexpr (kInterleaved<P>) {
    auto* pairs = reinterpret_cast<uint32_t*>(out) + row / 2 * kColumns;
#pragma omp simd
    for (int64_t m = 0; m < columns; ++m)
      pairs[m] = narrow<P>(upper[m]).bits | uint32_t{narrow<P>(lower[m]).bits} << 16;
  } else {
    for (int64_t m = 0; m < columns; ++m) out[row * kColumns + m] = upper[m];
    for (int64_t m = 0; m < columns; ++m) out[(row + 1) * kColumns + m] = lower[m];
  }
}

/// The largest score each query sees.
template <class P>
void find_tops(SoftmaxTile<P> t, Wide<P>* tops) {
  for (int64_t m = 0; m < t.columns; ++m) tops[m] = std::numeric_limits<Wide<P>>::lowest();
  for (int32_t key = 0; key < t.keys; ++key) {
    const Wide<P>* scores = t.scores + key * kColumns;
#pragma omp simd
    for (int64_t m = 0; m < t.columns; ++m) {
      const Wide<P> score = scores[m] * t.scale, top = score > tops[m] ? score : tops[m];
      tops[m] = key < t.limits[m] ? top : tops[m];
    }
  }
}

template <class P>
void softmax(SoftmaxTile<P> t) {
  using W = Wide<P>;
  W tops[kColumns], sums[kColumns] = {}, probabilities[2][kColumns];
  find_tops(t, tops);
  for (int32_t key = 0; key < t.keys; key += 2) {
    for (int32_t side = 0; side < 2; ++side) {
      const W* scores = t.scores + (key + side) * kColumns;
      W* row = probabilities[side];
#pragma omp simd
      for (int64_t m = 0; m < t.columns; ++m) {
        const W value = exp(scores[m] * t.scale - tops[m]);
        row[m] = key + side < t.limits[m] ? value : 0;
        sums[m] += row[m];
      }
    }
    write_right<P>(probabilities[0], probabilities[1], key, t.columns, t.probabilities);
  }
  for (int64_t m = 0; m < t.columns; ++m) {
    t.sums[m] = sums[m];
    t.log_sums[m] = tops[m] + log(sums[m]);
  }
}

template <class P>
void slopes(SlopeTile<P> t) {
  using W = Wide<P>;
  W slopes[2][kColumns];
  for (int32_t key = 0; key < t.keys; key += 2) {
    for (int32_t side = 0; side < 2; ++side) {
      const int64_t offset = (key + side) * kColumns;
      const W *scores = t.scores + offset, *grads = t.grad_probabilities + offset;
      P *probabilities = t.probabilities + offset, *plain = t.slopes + offset;
      W* row = slopes[side];
#pragma omp simd
      for (int64_t m = 0; m < t.columns; ++m) {
        const W value = exp(scores[m] * t.scale - t.log_sums[m]);
        const W probability = key + side < t.limits[m] ? value : 0;
        row[m] = probability * (grads[m] - t.deltas[m]);
        probabilities[m] = narrow<P>(probability);
        plain[m] = narrow<P>(row[m]);
      }
    }
    write_right<P>(slopes[0], slopes[1], key, t.columns, t.slopes_right);
  }
}

template <class T, class P>
void store_transposed(const Wide<P>* product, const Wide<P>* scales, StridedRows<T> rows) {
  for (int64_t first = 0; first < rows.count; first += kColumnStep) {
    const int64_t count = rows.count - first < kColumnStep ? rows.count - first : kColumnStep;
    for (int64_t i = 0; i < rows.width; ++i) {
      T column[kColumnStep];
#pragma omp simd
      for (int64_t m = 0; m < kColumnStep; ++m)
        column[m] = narrow<T>(product[i * kColumns + first + m] * scales[first + m]);
      for (int64_t m = 0; m < count; ++m) rows.first[(first + m) * rows.stride + i] = column[m];
    }
  }
}

template <class T, class P>
void store(const Wide<P>* product, Wide<P> scale, StridedRows<T> rows) {
  for (int64_t m = 0; m < rows.count; ++m) {
    T* row = rows.first + m * rows.stride;
#pragma omp simd
    for (int64_t i = 0; i < rows.width; ++i)
      row[i] = narrow<T>(product[m * rows.width + i] * scale);
  }
}

template <class T, class P>
void dots(StridedRows<const T> x, StridedRows<const T> y, Wide<P>* dots) {
  for (int64_t m = 0; m < x.count; ++m) {
    const T *left = x.first + m * x.stride, *right = y.first + m * y.stride;
    Wide<P> sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < x.width; ++i) sum += widen(left[i]) * widen(right[i]);
    dots[m] = sum;
  }
}

}  // namespace

template <class T, class P>
const AttentionKernels<T, P>& attention_table() {
  static constexpr AttentionKernels<T, P> kTable{left<T, P>,        left_transposed<T, P>,
                                                 right<T, P>,       right_transposed<T, P>,
                                                 multiply<Wide<P>>, softmax<P>,
                                                 slopes<P>,         store_transposed<T, P>,
                                                 store<T, P>,       dots<T, P>};
  return kTable;
}

template const AttentionKernels<Bf16, Bf16>& attention_table();
template const AttentionKernels<Bf16, float>& attention_table();
template const AttentionKernels<float, float>& attention_table();
template const AttentionKernels<double, double>& attention_table();

}  // namespace reprise::ops::REPRISE_ISA
