// Which keys each query of an attention sees. Queries and keys are packed rows; those of a sequence
// lie together, in the order of their positions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace reprise::ops {

/// Rows [first, first + count).
struct RowSpan {
  int64_t first = 0, count = 0;
};

/// One entry per sequence in both lists.
struct Sight {
  std::vector<RowSpan> queries_B, keys_B;
  /// Each query sees so many of its sequence's keys, from the first: int64, at least 1, and within
  /// a sequence never fewer than the query before.
  at::Tensor seen_M;
  bool causal = false;  ///< of as many queries as keys in every sequence, query t sees t + 1

  int64_t most_queries() const;  ///< of any sequence
  int64_t most_keys() const;
};

/// Every row b * T + t of `sequences` x `length`, seeing those of its sequence up to itself.
Sight see_all(int64_t sequences, int64_t length, const at::Device& device);

/// The rows `rows_M` of them, ascending int64, seeing every row of their sequence up to themselves.
Sight see_every_row(const at::Tensor& rows_M, int64_t sequences, int64_t length);

/// The same rows, seeing one another: those of `rows_M` in their sequence up to themselves.
Sight see_one_another(const at::Tensor& rows_M, int64_t sequences, int64_t length);

}  // namespace reprise::ops
