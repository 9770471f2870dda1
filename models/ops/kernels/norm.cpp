#include "models/ops/kernels/norm.h"

#include "models/ops/kernels/table.h"

namespace reprise::ops::REPRISE_ISA {

template <class T>
void norm(NormKernel<T> k, Rows rows) {
  for (int64_t m = rows.first; m < rows.last; ++m) {
    const T* x = k.x + m * k.width;
    T* y = k.y + m * k.width;
    const Wide<T> scale = inverse_rms(x, k.width);
#pragma omp simd
    for (int64_t i = 0; i < k.width; ++i) y[i] = narrow<T>(widen(x[i]) * scale);
  }
}

template <class T>
void norm_backward(NormBackwardKernel<T> k, Rows rows) {
  for (int64_t m = rows.first; m < rows.last; ++m) {
    const T *x = k.x + m * k.width, *grad_y = k.grad_y + m * k.width;
    T* grad_x = k.grad_x + m * k.width;
    Wide<T> dot = 0;
#pragma omp simd reduction(+ : dot)
    for (int64_t i = 0; i < k.width; ++i) dot += widen(x[i]) * widen(grad_y[i]);
    const NormSlope<T> slope(inverse_rms(x, k.width), dot, k.width);
#pragma omp simd
    for (int64_t i = 0; i < k.width; ++i)
      grad_x[i] = narrow<T>(slope.at(widen(x[i]), widen(grad_y[i])));
  }
}

#define INSTANTIATE(T)                        \
  template void norm<T>(NormKernel<T>, Rows); \
  template void norm_backward<T>(NormBackwardKernel<T>, Rows);
INSTANTIATE(Bf16)
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace reprise::ops::REPRISE_ISA
