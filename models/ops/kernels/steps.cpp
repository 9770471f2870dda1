#include "models/ops/kernels/table.h"

namespace reprise::ops::REPRISE_ISA {

template <class T>
void steps(StepsKernel<T> k, Rows rows) {
  for (int64_t m = rows.first; m < rows.last; ++m) {
    const int64_t row = m * k.width;
    const T *oldest = k.oldest + row, *before = k.before + row, *now = k.now + row;
    Wide<T> step_squares = 0, turn_squares = 0, now_squares = 0, before_squares = 0, dot = 0;
#pragma omp simd reduction(+ : step_squares, turn_squares, now_squares, before_squares, dot)
    for (int64_t i = 0; i < k.width; ++i) {
      const Wide<T> x = widen(now[i]), y = widen(before[i]);
      const Wide<T> step = x - y, turn = step - (y - widen(oldest[i]));
      step_squares += step * step;
      turn_squares += turn * turn;
      now_squares += x * x;
      before_squares += y * y;
      dot += x * y;
    }
    const Wide<T> length = root(now_squares);
    k.residual[m] = root(step_squares) / length;
    k.cosine[m] = dot / (length * root(before_squares));
    k.second_order[m] = root(turn_squares) / length;
  }
}

#define INSTANTIATE(T) template void steps<T>(StepsKernel<T>, Rows);
INSTANTIATE(Bf16)
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace reprise::ops::REPRISE_ISA
