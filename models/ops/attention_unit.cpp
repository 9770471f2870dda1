#include "models/ops/attention_unit.h"

#include <algorithm>
#include <cmath>

namespace reprise::ops {

namespace {

int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

/// Keys of a tile are a multiple of this: products are compiled once for every shape they meet.
constexpr int64_t kKeyStep = 32;

template <class T>
StridedRows<T> slice(StridedRows<T> rows, int64_t first, int64_t count, int64_t head) {
  return {rows.first + first * rows.stride + head * rows.width, rows.stride, count, rows.width};
}

}  // namespace

/// Queries [first, first + count) of one head, padded to `columns`, and the keys they see.
template <class T, class P>
struct AttentionWorker<T, P>::Block {
  int64_t head, first, count, columns, keys;
};

template <class T, class P>
AttentionWorker<T, P>::AttentionWorker(int64_t most_keys, int64_t width)
    : padded_(round_up(most_keys, kKeyStep)), width_(width) {
  const auto tile = static_cast<size_t>(padded_ * kColumns);
  const auto per_key = static_cast<size_t>(padded_ * width_);
  const auto per_query = static_cast<size_t>(kColumns * width_);
  for (auto* buffer : {&keys_, &values_, &keys_transposed_, &values_transposed_})
    buffer->resize(per_key);
  for (auto* buffer : {&queries_right_, &transposed_right_}) buffer->resize(per_query);
  for (auto* buffer : {&probabilities_, &slopes_, &tile_right_}) buffer->resize(tile);
  for (auto* buffer : {&scores_, &grad_probabilities_}) buffer->resize(tile);
  for (auto* buffer : {&grad_keys_, &grad_values_}) buffer->resize(per_key);
  product_.resize(per_query);
}

template <class T, class P>
auto AttentionWorker<T, P>::block_of(const AttentionUnit<T>& unit, int64_t head,
                                     int64_t first) const -> Block {
  const int64_t count = std::min(kColumns, unit.queries.count - first);
  return {head, first, count, round_up(count, kColumnStep),
          round_up(unit.seen[first + count - 1], kKeyStep)};
}

template <class T, class P>
void AttentionWorker<T, P>::set_limits(const AttentionUnit<T>& unit, const Block& block) {
  for (int64_t m = 0; m < block.columns; ++m)
    limits_[m] = m < block.count ? static_cast<int32_t>(unit.seen[block.first + m]) : 0;
}

/// out = keys by the queries' columns: the scores of queries, or the gradient of probabilities.
template <class T, class P>
void AttentionWorker<T, P>::score(const P* keys, StridedRows<const T> queries, const Block& block,
                                  std::vector<Wide<P>>& out) {
  attention_kernels<T, P>().right_transposed(queries, block.columns, transposed_right_.data());
  multiply({block.keys, block.columns, width_, width_, kColumns, kColumns}, keys,
           transposed_right_.data(), out.data(), Into::kOverwrite);
}

template <class T, class P>
void AttentionWorker<T, P>::forward(const AttentionUnit<T>& unit) {
  const auto& kernels = attention_kernels<T, P>();
  kernels.left(unit.keys, padded_, keys_.data());
  kernels.left_transposed(unit.values, padded_, values_transposed_.data());
  for (int64_t head = 0; head < unit.group; ++head)
    for (int64_t first = 0; first < unit.queries.count; first += kColumns)
      forward_block(unit, block_of(unit, head, first));
}

template <class T, class P>
void AttentionWorker<T, P>::forward_block(const AttentionUnit<T>& unit, const Block& block) {
  const auto& kernels = attention_kernels<T, P>();
  set_limits(unit, block);
  score(keys_.data(), slice(unit.queries, block.first, block.count, block.head), block, scores_);
  const auto scale = static_cast<Wide<P>>(1 / std::sqrt(static_cast<double>(width_)));
  kernels.softmax({scores_.data(), tile_right_.data(), limits_, sums_, log_sums_, block.keys,
                   block.columns, scale});
  multiply({width_, block.columns, block.keys, padded_, kColumns, kColumns},
           values_transposed_.data(), tile_right_.data(), product_.data(), Into::kOverwrite);
  for (int64_t m = 0; m < block.count; ++m) {
    unit.log_sums[(block.first + m) * unit.log_sum_stride + block.head] = log_sums_[m];
    sums_[m] = 1 / sums_[m];
  }
  kernels.store_transposed(product_.data(), sums_,
                           slice(unit.output, block.first, block.count, block.head));
}

template <class T, class P>
void AttentionWorker<T, P>::backward(const AttentionUnit<T>& unit,
                                     const AttentionUnitGrads<T>& grads) {
  const auto& kernels = attention_kernels<T, P>();
  kernels.left(unit.keys, padded_, keys_.data());
  kernels.left(unit.values, padded_, values_.data());
  kernels.left_transposed(unit.keys, padded_, keys_transposed_.data());
  std::fill(grad_keys_.begin(), grad_keys_.end(), Wide<P>{0});
  std::fill(grad_values_.begin(), grad_values_.end(), Wide<P>{0});
  for (int64_t head = 0; head < unit.group; ++head)
    for (int64_t first = 0; first < unit.queries.count; first += kColumns)
      backward_block(unit, grads, block_of(unit, head, first));
  const auto scale = static_cast<Wide<P>>(1 / std::sqrt(static_cast<double>(width_)));
  kernels.store(grad_keys_.data(), scale, grads.keys);
  kernels.store(grad_values_.data(), Wide<P>{1}, grads.values);
}

template <class T, class P>
void AttentionWorker<T, P>::backward_block(const AttentionUnit<T>& unit,
                                           const AttentionUnitGrads<T>& grads, const Block& block) {
  const auto& kernels = attention_kernels<T, P>();
  const auto part = [&](auto rows) { return slice(rows, block.first, block.count, block.head); };
  const StridedRows<const T> queries = part(unit.queries), grad_output = part(grads.output);
  const auto output = part(unit.output);
  set_limits(unit, block);
  std::fill_n(log_sums_, kColumns, Wide<P>{0});
  std::fill_n(deltas_, kColumns, Wide<P>{0});
  for (int64_t m = 0; m < block.count; ++m)
    log_sums_[m] = unit.log_sums[(block.first + m) * unit.log_sum_stride + block.head];
  kernels.dots({output.first, output.stride, output.count, output.width}, grad_output, deltas_);
  if (grads.log_sums)  // a score's slope is p (dp - delta), and that of the sum's logarithm p
    for (int64_t m = 0; m < block.count; ++m)
      deltas_[m] -= grads.log_sums[(block.first + m) * unit.log_sum_stride + block.head];

  score(keys_.data(), queries, block, scores_);
  score(values_.data(), grad_output, block, grad_probabilities_);
  const auto scale = static_cast<Wide<P>>(1 / std::sqrt(static_cast<double>(width_)));
  kernels.slopes({scores_.data(), grad_probabilities_.data(), probabilities_.data(), slopes_.data(),
                  tile_right_.data(), limits_, log_sums_, deltas_, block.keys, block.columns,
                  scale});

  const ProductShape to_keys{block.keys, width_, block.columns, kColumns, width_, width_};
  kernels.right(grad_output, block.columns, queries_right_.data());
  multiply(to_keys, probabilities_.data(), queries_right_.data(), grad_values_.data(), Into::kAdd);
  kernels.right(queries, block.columns, queries_right_.data());
  multiply(to_keys, slopes_.data(), queries_right_.data(), grad_keys_.data(), Into::kAdd);
  multiply({width_, block.columns, block.keys, padded_, kColumns, kColumns},
           keys_transposed_.data(), tile_right_.data(), product_.data(), Into::kOverwrite);
  std::fill_n(sums_, kColumns, scale);
  kernels.store_transposed(product_.data(), sums_, part(grads.queries));
}

template class AttentionWorker<Bf16, Bf16>;
template class AttentionWorker<Bf16, float>;
template class AttentionWorker<float, float>;
template class AttentionWorker<double, double>;

}  // namespace reprise::ops
