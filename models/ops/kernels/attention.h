// What attention does between its matrix products, on tiles of one sequence and one key/value head.
//
// A tile has a row for every key and a column for every query, so that the sums of a softmax run
// down columns and every loop runs along contiguous queries. Products take a left operand, plain
// row-major, and a right operand; for Bf16 the rows of a right operand lie interleaved in pairs,
// [rows / 2, columns, 2], as dot-product instructions read them. T is the tensors' type, P the
// operands'.
#pragma once

#include "models/ops/kernels/number.h"

namespace reprise::ops {

/// Columns of a tile: queries handled together. Fewer are padded to a multiple of kColumnStep.
inline constexpr int64_t kColumns = 64, kColumnStep = 16;

/// Heads wider than this, or of an odd width, are not for these kernels.
inline constexpr int64_t kWidestHead = 1024;

/// `count` rows of `width` elements, each `stride` elements behind the one before.
template <class T>
struct StridedRows {
  T* first;
  int64_t stride, count, width;
};

/// Scores become probabilities, not yet divided by their sums.
template <class P>
struct SoftmaxTile {
  const Wide<P>* scores;  ///< [keys, kColumns]
  P* probabilities;       ///< right operand [keys, kColumns]
  const int32_t* limits;  ///< keys each query sees; 0 for padding
  Wide<P>*sums, *log_sums;
  int64_t keys, columns;
  Wide<P> scale;
};

/// From scores and the gradient of probabilities: the probabilities again, and the scores' gradient
/// (without `scale`).
template <class P>
struct SlopeTile {
  const Wide<P>*scores, *grad_probabilities;  ///< [keys, kColumns]
  P *probabilities, *slopes;                  ///< left operands [keys, kColumns]
  P* slopes_right;                            ///< right operand [keys, kColumns]
  const int32_t* limits;
  const Wide<P>*log_sums, *deltas;  ///< per query; delta = sum(output * its gradient)
  int64_t keys, columns;
  Wide<P> scale;
};

/// left [rows, inner] by right [inner, columns] to out [rows, columns], row-major with these
/// strides.
struct ProductShape {
  int64_t rows, columns, inner;
  int64_t left_stride, right_stride, out_stride;
};
enum class Into { kOverwrite, kAdd };

template <class T, class P>
struct AttentionKernels {
  /// Left operands [padded, width] and [width, padded]; rows beyond count are zero.
  void (*left)(StridedRows<const T>, int64_t padded, P* out);
  void (*left_transposed)(StridedRows<const T>, int64_t padded, P* out);
  /// Right operands [padded, width] and [width, kColumns], `padded` of the columns filled.
  void (*right)(StridedRows<const T>, int64_t padded, P* out);
  void (*right_transposed)(StridedRows<const T>, int64_t padded, P* out);
  /// The product of operands as wide as their sums: not of Bf16, and slower than product.h.
  void (*multiply)(const ProductShape&, const Wide<P>* left, const Wide<P>* right, Wide<P>* out,
                   Into);
  void (*softmax)(SoftmaxTile<P>);
  void (*slopes)(SlopeTile<P>);
  /// rows[m][i] = product[i][m] * scales[m], product being [width, kColumns].
  void (*store_transposed)(const Wide<P>* product, const Wide<P>* scales, StridedRows<T>);
  /// rows[j][i] = product[j][i] * scale.
  void (*store)(const Wide<P>* product, Wide<P> scale, StridedRows<T>);
  /// dots[m] = sum(x[m] * y[m]).
  void (*dots)(StridedRows<const T> x, StridedRows<const T> y, Wide<P>* dots);
};

/// For (T, P) = (Bf16, Bf16), (Bf16, float), (float, float), (double, double).
template <class T, class P>
const AttentionKernels<T, P>& attention_kernels();

}  // namespace reprise::ops
