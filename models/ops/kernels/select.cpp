#include <ATen/Version.h>

#include <string>

#include "models/ops/kernels/attention.h"
#include "models/ops/kernels/kernels.h"
#include "models/ops/kernels/predictions.h"

// What every compilation of the kernels offers; models/ops/kernels/CMakeLists.txt names them.
#define DECLARE_TABLES(isa)                        \
  namespace isa {                                  \
  template <class T>                               \
  const Kernels<T>& table();                       \
  template <class T, class P>                      \
  const AttentionKernels<T, P>& attention_table(); \
  const PredictionKernels& prediction_table();     \
  }

namespace reprise::ops {

DECLARE_TABLES(generic)
#ifdef REPRISE_X86_KERNELS
DECLARE_TABLES(avx2)
DECLARE_TABLES(avx512)
#endif

template <class T>
const Kernels<T>& kernels() {
#ifdef REPRISE_X86_KERNELS
  static const std::string capability = at::get_cpu_capability();
  if (capability == "AVX512") return avx512::table<T>();
  if (capability == "AVX2") return avx2::table<T>();
#endif
  return generic::table<T>();
}

template <class T, class P>
const AttentionKernels<T, P>& attention_kernels() {
#ifdef REPRISE_X86_KERNELS
  static const std::string capability = at::get_cpu_capability();
  if (capability == "AVX512") return avx512::attention_table<T, P>();
  if (capability == "AVX2") return avx2::attention_table<T, P>();
#endif
  return generic::attention_table<T, P>();
}

const PredictionKernels& prediction_kernels() {
#ifdef REPRISE_X86_KERNELS
  static const std::string capability = at::get_cpu_capability();
  if (capability == "AVX512") return avx512::prediction_table();
  if (capability == "AVX2") return avx2::prediction_table();
#endif
  return generic::prediction_table();
}

template const Kernels<Bf16>& kernels();
template const Kernels<float>& kernels();
template const Kernels<double>& kernels();
template const AttentionKernels<Bf16, Bf16>& attention_kernels();
template const AttentionKernels<Bf16, float>& attention_kernels();
template const AttentionKernels<float, float>& attention_kernels();
template const AttentionKernels<double, double>& attention_kernels();

}  // namespace reprise::ops
