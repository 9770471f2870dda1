// Small matrix products of one thread, for the tiles of attention.
#pragma once

#include "models/ops/kernels/attention.h"

namespace reprise::ops {

/// Writes or adds left by right to out; a right operand of Bf16 is interleaved
/// (kernels/attention.h).
template <class P>
void multiply(const ProductShape& shape, const P* left, const P* right, Wide<P>* out, Into into);
template <>
void multiply(const ProductShape& shape, const Bf16* left, const Bf16* right, float* out,
              Into into);
template <>
void multiply(const ProductShape& shape, const float* left, const float* right, float* out,
              Into into);
template <>
void multiply(const ProductShape& shape, const double* left, const double* right, double* out,
              Into into);

/// Whether multiply<Bf16> works on this machine.
bool has_bf16_products();

/// Ends a thread's use of multiply(): gives back the matrix unit, where there is one.
struct ProductScope {
  ProductScope() = default;
  ProductScope(const ProductScope&) = delete;
  ProductScope& operator=(const ProductScope&) = delete;
  ~ProductScope();
};

}  // namespace reprise::ops
