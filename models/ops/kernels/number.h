// The number types kernels read and write. Nothing here knows libtorch, so that a kernel file costs
// a second to compile, once for every instruction set.
#pragma once

#include <cstdint>
#include <type_traits>

namespace reprise::ops {

/// bfloat16 as it lies in memory: the upper half of an fp32.
struct Bf16 {
  uint16_t bits;
};

/// What sums and products of T are carried in.
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

/// Rows [first, last) of a row-major matrix: one kernel call's share of the work.
struct Rows {
  int64_t first, last;
};

}  // namespace reprise::ops
