#include "models/ops/kernels/table.h"

namespace reprise::ops::REPRISE_ISA {

template <class T>
void squared_relu(SquaredReluKernel<T> k, Rows rows) {
#pragma omp simd
  for (int64_t i = rows.first; i < rows.last; ++i) {
    const Wide<T> x = widen(k.x[i]), positive = x > 0 ? x : 0;
    k.y[i] = narrow<T>(positive * positive);
  }
}

template <class T>
void squared_relu_backward(SquaredReluBackwardKernel<T> k, Rows rows) {
#pragma omp simd
  for (int64_t i = rows.first; i < rows.last; ++i) {
    const Wide<T> x = widen(k.x[i]), positive = x > 0 ? x : 0;
    k.grad_x[i] = narrow<T>(2 * positive * widen(k.grad_y[i]));
  }
}

#define INSTANTIATE(T)                                       \
  template void squared_relu<T>(SquaredReluKernel<T>, Rows); \
  template void squared_relu_backward<T>(SquaredReluBackwardKernel<T>, Rows);
INSTANTIATE(Bf16)
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace reprise::ops::REPRISE_ISA
