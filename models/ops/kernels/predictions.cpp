#include "models/ops/kernels/predictions.h"

#include <limits>

#include "models/ops/kernels/arithmetic.h"

namespace reprise::ops::REPRISE_ISA {

namespace {

constexpr float kLowest = std::numeric_limits<float>::lowest();

double not_negative(double x) { return x < 0 ? 0 : x; }  // NaN stays NaN

float largest_of(const float* x, int64_t count) {
  float largest = kLowest;
#pragma omp simd reduction(max : largest)
  for (int64_t v = 0; v < count; ++v) largest = largest < x[v] ? x[v] : largest;
  return largest;
}

/// The lowest place of `largest`, and the largest of the other places.
struct Order {
  int32_t first;
  float second;
};
Order order_of(const float* x, int32_t count, float largest) {
  int32_t first = count, times = 0;
  float below = kLowest;
#pragma omp simd reduction(min : first) reduction(+ : times) reduction(max : below)
  for (int32_t v = 0; v < count; ++v) {
    const bool is_largest = x[v] == largest;
    const int32_t place = is_largest ? v : count;
    const float other = is_largest ? kLowest : x[v];
    first = place < first ? place : first;
    times += is_largest;
    below = below < other ? other : below;
  }
  return {first < count ? first : 0, times > 1 ? largest : below};
}

RowPrediction predict_row(const float* logits, int64_t vocab) {
  const float top = largest_of(logits, vocab);
  double mass = 0, moment = 0;
#pragma omp simd reduction(+ : mass, moment)
  for (int64_t v = 0; v < vocab; ++v) {
    const float shifted = logits[v] - top, weight = exp(shifted);
    mass += weight;
    moment += double{weight} * shifted;
  }
  const Order order = order_of(logits, static_cast<int32_t>(vocab), top);
  const double log_mass = log(mass);
  const double second = vocab > 1 ? double{exp(order.second - top)} / mass : 0;
  // H = log Z - E[logit], both relative to the largest logit.
  return {not_negative(log_mass),
          not_negative(log_mass - moment / mass),
          1 / mass,
          second,
          top,
          order.first};
}

void predict(PredictKernel k, Rows rows) {
  for (int64_t m = rows.first; m < rows.last; ++m)
    k.rows[m] = predict_row(k.logits + m * k.vocab, k.vocab);
}

void compare(CompareKernel k, Rows rows) {
  for (int64_t m = rows.first; m < rows.last; ++m) {
    const float *p = k.p.logits + m * k.vocab, *q = k.q.logits + m * k.vocab,
                *r = k.r.logits + m * k.vocab;
    const RowPrediction &of_p = k.p.rows[m], &of_q = k.q.rows[m], &of_r = k.r.rows[m];
    const float top_p = of_p.top, top_r = of_r.top;
    const auto share_p = static_cast<float>(of_p.first), share_r = static_cast<float>(of_r.first);
    double drop = 0, variation = 0;
#pragma omp simd reduction(+ : drop, variation)
    for (int64_t v = 0; v < k.vocab; ++v) {
      const float weight = exp(p[v] - top_p);
      drop += weight * (double{p[v]} - q[v]);
      variation += __builtin_fabsf(weight * share_p - exp(r[v] - top_r) * share_r);
    }
    // KL(p | q) = E_p[log p - log q], where log p = logit - top - log_mass.
    k.divergence[m] = not_negative(drop * of_p.first - (double{of_p.top} - of_q.top) +
                                   of_q.log_mass - of_p.log_mass);
    k.variation[m] = variation / 2;
  }
}

}  // namespace

const PredictionKernels& prediction_table() {
  static constexpr PredictionKernels kTable{predict, compare};
  return kTable;
}

}  // namespace reprise::ops::REPRISE_ISA
