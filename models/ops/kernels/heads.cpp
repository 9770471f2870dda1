// QK-norm, rotation and gain of a projection's heads in one sweep over its rows.
#include "models/ops/kernels/norm.h"
#include "models/ops/kernels/table.h"

namespace reprise::ops::REPRISE_ISA {

namespace {

/// The turn of one position: its cosines and sines, one for every pair (i, i + pairs).
template <class W>
struct Turn {
  const W *cos, *sin;
  int64_t pairs;
};

/// y = rotate(x * scale).
template <class T>
void rotate_head(const T* __restrict x, T* __restrict y, Wide<T> scale, Turn<Wide<T>> turn,
                 int64_t width) {
  const int64_t pairs = turn.pairs;
#pragma omp simd
  for (int64_t i = 0; i < pairs; ++i) {
    const Wide<T> left = widen(x[i]) * scale, right = widen(x[i + pairs]) * scale;
    y[i] = narrow<T>(left * turn.cos[i] - right * turn.sin[i]);
    y[i + pairs] = narrow<T>(right * turn.cos[i] + left * turn.sin[i]);
  }
#pragma omp simd
  for (int64_t i = 2 * pairs; i < width; ++i) y[i] = narrow<T>(widen(x[i]) * scale);
}

/// The gradient of y = gain * rotate(norm(x)) in x; returns that in gain. Turning the gradient back
/// first leaves the derivative of a plain norm.
template <class T>
Wide<T> rotate_head_backward(const T* __restrict x, const T* __restrict grad_y,
                             T* __restrict grad_x, Wide<T> gain, Turn<Wide<T>> turn,
                             int64_t width) {
  const int64_t pairs = turn.pairs;
  const Wide<T> scale = inverse_rms(x, width);
  Wide<T> dot = 0;
#pragma omp simd reduction(+ : dot)
  for (int64_t i = 0; i < pairs; ++i) {
    const Wide<T> left = widen(grad_y[i]), right = widen(grad_y[i + pairs]);
    dot += widen(x[i]) * (left * turn.cos[i] + right * turn.sin[i]) +
           widen(x[i + pairs]) * (right * turn.cos[i] - left * turn.sin[i]);
  }
#pragma omp simd reduction(+ : dot)
  for (int64_t i = 2 * pairs; i < width; ++i) dot += widen(x[i]) * widen(grad_y[i]);

  const NormSlope<T> slope(scale, gain * dot, width);
#pragma omp simd
  for (int64_t i = 0; i < pairs; ++i) {
    const Wide<T> left = gain * widen(grad_y[i]), right = gain * widen(grad_y[i + pairs]);
    grad_x[i] = narrow<T>(slope.at(widen(x[i]), left * turn.cos[i] + right * turn.sin[i]));
    grad_x[i + pairs] =
        narrow<T>(slope.at(widen(x[i + pairs]), right * turn.cos[i] - left * turn.sin[i]));
  }
#pragma omp simd
  for (int64_t i = 2 * pairs; i < width; ++i)
    grad_x[i] = narrow<T>(slope.at(widen(x[i]), gain * widen(grad_y[i])));
  return dot * scale;
}

template <class T>
void copy_row(const T* from, T* to, int64_t width) {
  __builtin_memcpy(to, from, static_cast<uint64_t>(width) * sizeof(T));
}

}  // namespace

template <class T>
void heads(HeadsKernel<T> k, Rows rows) {
  const auto [heads, kv_heads, width, pairs] = k.layout;
  for (int64_t m = rows.first; m < rows.last; ++m) {
    const T* projected = k.projected + m * (heads + 2 * kv_heads) * width;
    const int64_t angle = k.positions[m] * pairs;
    const Turn<Wide<T>> turn{k.cos + angle, k.sin + angle, pairs};
    for (int64_t h = 0; h < heads; ++h) {
      const T* x = projected + h * width;
      rotate_head(x, k.queries + (m * heads + h) * width, k.gain[h] * inverse_rms(x, width), turn,
                  width);
    }
    for (int64_t g = 0; g < kv_heads; ++g) {
      const T* x = projected + (heads + g) * width;
      rotate_head(x, k.keys + (m * kv_heads + g) * width, inverse_rms(x, width), turn, width);
    }
    copy_row(projected + (heads + kv_heads) * width, k.values + m * kv_heads * width,
             kv_heads * width);
  }
}

template <class T>
void heads_backward(HeadsBackwardKernel<T> k, Rows rows) {
  const auto [heads, kv_heads, width, pairs] = k.layout;
  for (int64_t m = rows.first; m < rows.last; ++m) {
    const int64_t offset = m * (heads + 2 * kv_heads) * width;
    const T* projected = k.projected + offset;
    T* grad_projected = k.grad_projected + offset;
    const int64_t angle = k.positions[m] * pairs;
    const Turn<Wide<T>> turn{k.cos + angle, k.sin + angle, pairs};
    for (int64_t h = 0; h < heads; ++h)
      k.grad_gain[h] +=
          rotate_head_backward(projected + h * width, k.grad_queries + (m * heads + h) * width,
                               grad_projected + h * width, k.gain[h], turn, width);
    for (int64_t g = 0; g < kv_heads; ++g)
      rotate_head_backward(projected + (heads + g) * width,
                           k.grad_keys + (m * kv_heads + g) * width,
                           grad_projected + (heads + g) * width, Wide<T>{1}, turn, width);
    copy_row(k.grad_values + m * kv_heads * width, grad_projected + (heads + kv_heads) * width,
             kv_heads * width);
  }
}

#define INSTANTIATE(T)                          \
  template void heads<T>(HeadsKernel<T>, Rows); \
  template void heads_backward<T>(HeadsBackwardKernel<T>, Rows);
INSTANTIATE(Bf16)
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace reprise::ops::REPRISE_ISA
