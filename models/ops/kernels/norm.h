// Root-mean-square normalisation of one row, for the kernels that contain one.
#pragma once

#include "models/ops/kernels/arithmetic.h"
#include "models/ops/kernels/kernels.h"

namespace reprise::ops::REPRISE_ISA {

template <class W>
W inverse_rms_of_sum(W sum_of_squares, int64_t width) {
  return 1 / root(sum_of_squares / static_cast<W>(width) + static_cast<W>(kNormEpsilon));
}

template <class T>
Wide<T> inverse_rms(const T* x, int64_t width) {
  Wide<T> sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < width; ++i) sum += widen(x[i]) * widen(x[i]);
  return inverse_rms_of_sum(sum, width);
}

/// The derivative of y = x r(x): dx = r (dy - x r^2 mean(x dy)).
template <class T>
struct NormSlope {
  Wide<T> scale, pull;
  NormSlope(Wide<T> inverse_rms, Wide<T> dot, int64_t width)
      : scale(inverse_rms),
        pull(inverse_rms * inverse_rms * inverse_rms * dot / static_cast<Wide<T>>(width)) {}
  Wide<T> at(Wide<T> x, Wide<T> grad_y) const { return scale * grad_y - pull * x; }
};

}  // namespace reprise::ops::REPRISE_ISA
