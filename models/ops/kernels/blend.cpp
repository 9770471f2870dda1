// The residual stream: two inputs weighted per channel, and the norm of the sum.
#include "models/ops/kernels/norm.h"
#include "models/ops/kernels/table.h"

namespace reprise::ops::REPRISE_ISA {

namespace {

template <class T>
void blend_row(BlendKernel<T> k, int64_t offset) {
  const T *x = k.x + offset, *y = k.y + offset;
  T* stream = k.stream + offset;
#pragma omp simd
  for (int64_t i = 0; i < k.width; ++i)
    stream[i] = narrow<T>(k.first[i] * widen(x[i]) + k.second[i] * widen(y[i]));
  if (!k.normed) return;
  T* normed = k.normed + offset;
  const Wide<T> scale = inverse_rms(stream, k.width);
#pragma omp simd
  for (int64_t i = 0; i < k.width; ++i) normed[i] = narrow<T>(widen(stream[i]) * scale);
}

/// The slope of the norm at this row's blend, or that of no norm at all.
template <class T>
NormSlope<T> slope_of_row(BlendBackwardKernel<T> k, int64_t offset) {
  const T *x = k.x + offset, *y = k.y + offset, *grad_normed = k.grad_normed + offset;
  Wide<T> sum = 0, dot = 0;
#pragma omp simd reduction(+ : sum, dot)
  for (int64_t i = 0; i < k.width; ++i) {
    const Wide<T> stream = k.first[i] * widen(x[i]) + k.second[i] * widen(y[i]);
    sum += stream * stream;
    dot += stream * widen(grad_normed[i]);
  }
  return NormSlope<T>(inverse_rms_of_sum(sum, k.width), dot, k.width);
}

/// Spreads the gradient of the stream, which `grad_at(i)` gives, over both inputs and both weights.
template <class T, class GradAt>
void spread(BlendBackwardKernel<T> k, int64_t offset, GradAt grad_at) {
  const T *x = k.x + offset, *y = k.y + offset;
  T *grad_x = k.grad_x + offset, *grad_y = k.grad_y + offset;
  Wide<T>*grad_first = k.grad_first, *grad_second = k.grad_second;
#pragma omp simd
  for (int64_t i = 0; i < k.width; ++i) {
    const Wide<T> grad = grad_at(i);
    grad_x[i] = narrow<T>(k.first[i] * grad);
    grad_y[i] = narrow<T>(k.second[i] * grad);
    grad_first[i] += grad * widen(x[i]);
    grad_second[i] += grad * widen(y[i]);
  }
}

}  // namespace

template <class T>
void blend(BlendKernel<T> k, Rows rows) {
  for (int64_t m = rows.first; m < rows.last; ++m) blend_row(k, m * k.width);
}

template <class T>
void blend_backward(BlendBackwardKernel<T> k, Rows rows) {
  for (int64_t m = rows.first; m < rows.last; ++m) {
    const int64_t offset = m * k.width;
    const T *x = k.x + offset, *y = k.y + offset, *grad_stream = k.grad_stream + offset;
    if (!k.grad_normed) {
      spread(k, offset, [=](int64_t i) { return widen(grad_stream[i]); });
      continue;
    }
    const T* grad_normed = k.grad_normed + offset;
    const NormSlope<T> slope = slope_of_row(k, offset);
    spread(k, offset, [=, first = k.first, second = k.second](int64_t i) {
      const Wide<T> stream = first[i] * widen(x[i]) + second[i] * widen(y[i]);
      return widen(grad_stream[i]) + slope.at(stream, widen(grad_normed[i]));
    });
  }
}

#define INSTANTIATE(T)                          \
  template void blend<T>(BlendKernel<T>, Rows); \
  template void blend_backward<T>(BlendBackwardKernel<T>, Rows);
INSTANTIATE(Bf16)
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace reprise::ops::REPRISE_ISA
