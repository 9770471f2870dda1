// The CPU kernels: plain loops over contiguous rows, compiled once for every instruction set and
// chosen when the program starts. Each works on a range of rows in the calling thread; the
// operation above it (models/ops/*.cpp) allocates, cuts the rows into ranges and runs those in
// parallel.
//
// T is Bf16, float or double; sums are carried in Wide<T>. Gradients of per-channel weights are
// added to a buffer of the caller's, one per range, so that their order does not depend on the
// threads.
#pragma once

#include "models/ops/kernels/number.h"

namespace reprise::ops {

/// Added to the mean square: the same in every precision, so that bf16 computes the model fp32
/// does.
inline constexpr double kNormEpsilon = 1e-6;

/// y = x / sqrt(mean(x^2) + epsilon), rows of `width`.
template <class T>
struct NormKernel {
  const T* x;
  T* y;
  int64_t width;
};
template <class T>
struct NormBackwardKernel {
  const T *x, *grad_y;
  T* grad_x;
  int64_t width;
};

/// stream = first * x + second * y, per channel; normed = its norm. `normed` may be null.
template <class T>
struct BlendKernel {
  const T *x, *y;
  const Wide<T>*first, *second;
  T *stream, *normed;
  int64_t width;
};
/// `grad_normed` may be null. The gradients of first and second are added up.
template <class T>
struct BlendBackwardKernel {
  const T *x, *y;
  const Wide<T>*first, *second;
  const T *grad_stream, *grad_normed;
  T *grad_x, *grad_y;
  Wide<T>*grad_first, *grad_second;
  int64_t width;
};

/// Where a projection's heads lie: row m holds `heads` query heads, then kv_heads keys, then as
/// many values, each of `head_width` channels, of which the first 2 * pairs are rotated.
struct HeadLayout {
  int64_t heads, kv_heads, head_width, pairs;
};
/// Normalises and rotates; queries also take their gain. Row m stands at position positions[m],
/// whose `pairs` cosines and sines are at cos + position * pairs.
template <class T>
struct HeadsKernel {
  HeadLayout layout;
  const T* projected;
  const Wide<T>*gain, *cos, *sin;
  const int64_t* positions;
  T *queries, *keys, *values;  ///< [rows, heads or kv_heads, head_width]
};
template <class T>
struct HeadsBackwardKernel {
  HeadLayout layout;
  const T* projected;
  const Wide<T>*gain, *cos, *sin;
  const int64_t* positions;
  const T *grad_queries, *grad_keys, *grad_values;
  T* grad_projected;
  Wide<T>* grad_gain;
};

/// y = max(x, 0)^2; here a row is one element.
template <class T>
struct SquaredReluKernel {
  const T* x;
  T* y;
};
template <class T>
struct SquaredReluBackwardKernel {
  const T *x, *grad_y;
  T* grad_x;
};

/// capped = softcap * tanh(raw / softcap); here a row is one element.
template <class T>
struct CapKernel {
  const T* raw;
  Wide<T>* capped;
  Wide<T> softcap;
};

/// Cross-entropy of softcap * tanh(raw / softcap), rows of `vocab`.
template <class T>
struct HeadLossKernel {
  const T* raw;
  const int64_t* targets;
  Wide<T>*nats, *log_sum;  ///< per row; log_sum is what backward needs
  int64_t vocab;
  Wide<T> softcap;
};
/// Overwrites the raw logits with their gradient.
template <class T>
struct HeadLossBackwardKernel {
  T* raw;
  const int64_t* targets;
  const Wide<T>*log_sum, *grad_nats;
  int64_t vocab;
  Wide<T> softcap;
};

/// Row r and its slots, r * per_row and following, among the packed rows: x copied to them, each
/// copy by its weight. `weights` may be null: all are 1.
template <class T>
struct SpreadKernel {
  const T* x;
  const int64_t* slots;
  const Wide<T>* weights;
  T* packed;
  int64_t per_row, width;
};
/// x = what lies in the slots, added up by weight.
template <class T>
struct CombineKernel {
  const T* packed;
  const int64_t* slots;
  const Wide<T>* weights;
  T* x;
  int64_t per_row, width;
};
/// The inner product of x with what lies in each slot.
template <class T>
struct SlotProductsKernel {
  const T *x, *packed;
  const int64_t* slots;
  Wide<T>* products;
  int64_t per_row, width;
};

/// Of the last three states of each row: |now - before| / |now|, the cosine of now and before,
/// |(now - before) - (before - oldest)| / |now|.
template <class T>
struct StepsKernel {
  const T *oldest, *before, *now;
  Wide<T>*residual, *cosine, *second_order;
  int64_t width;
};

template <class T>
struct Kernels {
  void (*norm)(NormKernel<T>, Rows);
  void (*norm_backward)(NormBackwardKernel<T>, Rows);
  void (*blend)(BlendKernel<T>, Rows);
  void (*blend_backward)(BlendBackwardKernel<T>, Rows);
  void (*heads)(HeadsKernel<T>, Rows);
  void (*heads_backward)(HeadsBackwardKernel<T>, Rows);
  void (*squared_relu)(SquaredReluKernel<T>, Rows);
  void (*squared_relu_backward)(SquaredReluBackwardKernel<T>, Rows);
  void (*cap)(CapKernel<T>, Rows);
  void (*head_loss)(HeadLossKernel<T>, Rows);
  void (*head_loss_backward)(HeadLossBackwardKernel<T>, Rows);
  void (*spread)(SpreadKernel<T>, Rows);
  void (*combine)(CombineKernel<T>, Rows);
  void (*slot_products)(SlotProductsKernel<T>, Rows);
  void (*steps)(StepsKernel<T>, Rows);
};

/// The table of the best instruction set that this machine and ATEN_CPU_CAPABILITY allow.
template <class T>
const Kernels<T>& kernels();

}  // namespace reprise::ops
