// Rows copied to their experts' slots and added up from them.
#include "models/ops/kernels/table.h"

namespace reprise::ops::REPRISE_ISA {

template <class T>
void spread(SpreadKernel<T> k, Rows rows) {
  for (int64_t r = rows.first; r < rows.last; ++r) {
    const T* x = k.x + r * k.width;
    for (int64_t j = r * k.per_row; j < (r + 1) * k.per_row; ++j) {
      T* packed = k.packed + k.slots[j] * k.width;
      if (k.weights) {
        const Wide<T> weight = k.weights[j];
#pragma omp simd
        for (int64_t i = 0; i < k.width; ++i) packed[i] = narrow<T>(weight * widen(x[i]));
      } else {
#pragma omp simd
        for (int64_t i = 0; i < k.width; ++i) packed[i] = x[i];
      }
    }
  }
}

template <class T>
void combine(CombineKernel<T> k, Rows rows) {
  constexpr int64_t kBlock = 256;  // of channels, whose sums stay in the nearest cache
  Wide<T> sums[kBlock];
  for (int64_t r = rows.first; r < rows.last; ++r) {
    for (int64_t from = 0; from < k.width; from += kBlock) {
      const int64_t count = k.width - from < kBlock ? k.width - from : kBlock;
      for (int64_t i = 0; i < count; ++i) sums[i] = 0;
      for (int64_t j = r * k.per_row; j < (r + 1) * k.per_row; ++j) {
        const T* packed = k.packed + k.slots[j] * k.width + from;
        const Wide<T> weight = k.weights ? k.weights[j] : 1;
#pragma omp simd
        for (int64_t i = 0; i < count; ++i) sums[i] += weight * widen(packed[i]);
      }
      T* x = k.x + r * k.width + from;
#pragma omp simd
      for (int64_t i = 0; i < count; ++i) x[i] = narrow<T>(sums[i]);
    }
  }
}

template <class T>
void slot_products(SlotProductsKernel<T> k, Rows rows) {
  for (int64_t r = rows.first; r < rows.last; ++r) {
    const T* x = k.x + r * k.width;
    for (int64_t j = r * k.per_row; j < (r + 1) * k.per_row; ++j) {
      const T* packed = k.packed + k.slots[j] * k.width;
      Wide<T> sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = 0; i < k.width; ++i) sum += widen(x[i]) * widen(packed[i]);
      k.products[j] = sum;
    }
  }
}

#define INSTANTIATE(T)                              \
  template void spread<T>(SpreadKernel<T>, Rows);   \
  template void combine<T>(CombineKernel<T>, Rows); \
  template void slot_products<T>(SlotProductsKernel<T>, Rows);
INSTANTIATE(Bf16)
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace reprise::ops::REPRISE_ISA
