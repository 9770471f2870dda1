// Softly capped logits and the cross-entropy of softly capped logits, softcap * tanh(raw /
// softcap).
#include "models/ops/kernels/table.h"

namespace reprise::ops::REPRISE_ISA {

template <class T>
void cap(CapKernel<T> k, Rows rows) {
  const Wide<T> shrink = 1 / k.softcap;
#pragma omp simd
  for (int64_t i = rows.first; i < rows.last; ++i)
    k.capped[i] = k.softcap * tanh(widen(k.raw[i]) * shrink);
}

template <class T>
void head_loss(HeadLossKernel<T> k, Rows rows) {
  const Wide<T> shrink = 1 / k.softcap;
  for (int64_t m = rows.first; m < rows.last; ++m) {
    const T* raw = k.raw + m * k.vocab;
    Wide<T> largest = widen(raw[0]), sum = 0;
#pragma omp simd reduction(max : largest)
    for (int64_t v = 0; v < k.vocab; ++v)
      largest = largest < widen(raw[v]) ? widen(raw[v]) : largest;
    const Wide<T> top = k.softcap * tanh(largest * shrink);
#pragma omp simd reduction(+ : sum)
    for (int64_t v = 0; v < k.vocab; ++v)
      sum += exp(k.softcap * tanh(widen(raw[v]) * shrink) - top);
    k.log_sum[m] = top + log(sum);
    k.nats[m] = k.log_sum[m] - k.softcap * tanh(widen(raw[k.targets[m]]) * shrink);
  }
}

template <class T>
void head_loss_backward(HeadLossBackwardKernel<T> k, Rows rows) {
  const Wide<T> shrink = 1 / k.softcap;
  for (int64_t m = rows.first; m < rows.last; ++m) {
    T* raw = k.raw + m * k.vocab;
    const Wide<T> log_sum = k.log_sum[m], grad = k.grad_nats[m];
    const int64_t target = k.targets[m];
    const Wide<T> target_share = tanh(widen(raw[target]) * shrink);
#pragma omp simd
    for (int64_t v = 0; v < k.vocab; ++v) {
      const Wide<T> share = tanh(widen(raw[v]) * shrink);
      raw[v] = narrow<T>(grad * exp(k.softcap * share - log_sum) * (1 - share * share));
    }
    const Wide<T> probability = exp(k.softcap * target_share - log_sum);
    raw[target] = narrow<T>(grad * (probability - 1) * (1 - target_share * target_share));
  }
}

#define INSTANTIATE(T)                                 \
  template void cap<T>(CapKernel<T>, Rows);            \
  template void head_loss<T>(HeadLossKernel<T>, Rows); \
  template void head_loss_backward<T>(HeadLossBackwardKernel<T>, Rows);
INSTANTIATE(Bf16)
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace reprise::ops::REPRISE_ISA
