#include "models/ops/product.h"

#include <ATen/ATen.h>
#include <ATen/Version.h>
#include <ATen/native/CPUBlas.h>

namespace reprise::ops {

namespace {

namespace blas = at::native::cpublas;

/// Whether the just-in-time products for fp32 work on this machine.
bool has_fp32_products() {
  static const bool has = at::get_cpu_capability() == "AVX512";
  return has;
}

}  // namespace

bool has_bf16_products() {
#ifdef REPRISE_X86_KERNELS
  static const bool has = has_fp32_products() && __builtin_cpu_supports("avx512bf16");
  return has;
#else
  return false;
#endif
}

template <>
void multiply(const ProductShape& s, const Bf16* left, const Bf16* right, float* out, Into into) {
  blas::brgemm(s.rows, s.columns, s.inner, s.left_stride, s.right_stride, s.out_stride,
               into == Into::kAdd, reinterpret_cast<const at::BFloat16*>(left),
               reinterpret_cast<const at::BFloat16*>(right), out);
}

template <>
void multiply(const ProductShape& s, const float* left, const float* right, float* out, Into into) {
  if (!has_fp32_products())
    return attention_kernels<float, float>().multiply(s, left, right, out, into);
  blas::brgemm(s.rows, s.columns, s.inner, s.left_stride, s.right_stride, s.out_stride,
               into == Into::kAdd, left, right, out);
}

template <>
void multiply(const ProductShape& s, const double* left, const double* right, double* out,
              Into into) {
  attention_kernels<double, double>().multiply(s, left, right, out, into);
}

ProductScope::~ProductScope() {
  if (has_bf16_products()) blas::brgemm_release();
}

}  // namespace reprise::ops
