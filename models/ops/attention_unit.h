// Attention of one sequence's queries to one key/value head: the unit of work of a thread.
//
// Forward: Rabe and Staats 2021, Dao et al. 2022 (FlashAttention) without the running maximum,
// since a block of queries keeps its scores over all keys it sees. Backward computes the scores
// again.
#pragma once

#include <vector>

#include "models/ops/kernels/attention.h"
#include "models/ops/product.h"

namespace reprise::ops {

/// One unit's tensors. Queries of head h start at queries.first + h * width, and so do outputs.
template <class T>
struct AttentionUnit {
  StridedRows<const T> keys, values;  ///< of the sequence
  StridedRows<const T> queries;       ///< of the sequence, first head of the group
  StridedRows<T> output;
  Wide<T>* log_sums;       ///< of the first row and head; a row's heads lie side by side
  int64_t log_sum_stride;  ///< between rows
  const int64_t* seen;     ///< keys that each query sees
  int64_t group;           ///< query heads that read this key/value head
};

template <class T>
struct AttentionUnitGrads {
  StridedRows<const T> output;
  const Wide<T>* log_sums;  ///< laid out as the unit's; null: none
  StridedRows<T> queries, keys, values;
};

/// Buffers for one thread, reused from unit to unit. P is the type of product operands.
template <class T, class P>
class AttentionWorker {
 public:
  AttentionWorker(int64_t most_keys, int64_t width);
  void forward(const AttentionUnit<T>& unit);
  void backward(const AttentionUnit<T>& unit, const AttentionUnitGrads<T>& grads);

 private:
  struct Block;
  Block block_of(const AttentionUnit<T>& unit, int64_t head, int64_t first) const;
  void set_limits(const AttentionUnit<T>& unit, const Block& block);
  void forward_block(const AttentionUnit<T>& unit, const Block& block);
  void backward_block(const AttentionUnit<T>& unit, const AttentionUnitGrads<T>& grads,
                      const Block& block);
  void score(const P* keys, StridedRows<const T> queries, const Block& block,
             std::vector<Wide<P>>& out);

  int64_t padded_, width_;
  ProductScope scope_;
  std::vector<P> keys_, values_, keys_transposed_, values_transposed_;  ///< left operands
  std::vector<P> queries_right_, transposed_right_;                     ///< right operands
  std::vector<P> probabilities_, slopes_, tile_right_;
  std::vector<Wide<P>> scores_, grad_probabilities_, product_, grad_keys_, grad_values_;
  int32_t limits_[kColumns];
  Wide<P> sums_[kColumns], log_sums_[kColumns], deltas_[kColumns];
};

}  // namespace reprise::ops
