// What stands between a tensor operation and its kernels: which tensors they take, which type they
// run in, how rows are cut into ranges and spread over threads.
#pragma once

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <type_traits>

#include "base/error.h"
#include "models/ops/kernels/kernels.h"

namespace reprise::ops {

/// Whether the CPU kernels take this tensor; elsewhere operations run as plain tensor expressions.
inline bool has_kernels(const at::Tensor& x) {
  const at::ScalarType type = x.scalar_type();
  return x.is_cpu() && (type == at::kBFloat16 || type == at::kFloat || type == at::kDouble);
}

/// Calls f(std::type_identity<T>) with the kernels' type for `type`.
template <class F>
void for_type(at::ScalarType type, F f) {
  if (type == at::kBFloat16) return f(std::type_identity<Bf16>{});
  if (type == at::kFloat) return f(std::type_identity<float>{});
  require(type == at::kDouble, ExitCode::kFailure, "no kernels for ", c10::toString(type));
  f(std::type_identity<double>{});
}

/// The elements of a contiguous tensor as kernels see them.
template <class T>
const T* read(const at::Tensor& x) {
  return static_cast<const T*>(x.const_data_ptr());
}
template <class T>
T* write(const at::Tensor& x) {
  return static_cast<T*>(x.mutable_data_ptr());
}

/// Ranges of a fixed length, so that sums over them do not depend on the number of threads.
struct Ranges {
  int64_t rows, rows_per_range;
  int64_t count() const { return (rows + rows_per_range - 1) / rows_per_range; }
  Rows operator[](int64_t index) const {
    return {index * rows_per_range, std::min(rows, (index + 1) * rows_per_range)};
  }
};

/// Ranges of rows of `width` elements, each some microseconds of work.
inline Ranges ranges_of(int64_t rows, int64_t width) {
  constexpr int64_t kElements = 16384;
  return {rows, std::max<int64_t>(1, kElements / std::max<int64_t>(width, 1))};
}

/// Calls f(index, rows) for every range, in parallel.
template <class F>
void for_ranges(Ranges ranges, F f) {
  at::parallel_for(0, ranges.count(), 1, [&](int64_t first, int64_t last) {
    for (int64_t index = first; index < last; ++index) f(index, ranges[index]);
  });
}

}  // namespace reprise::ops
