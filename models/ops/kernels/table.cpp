#include "models/ops/kernels/table.h"

namespace reprise::ops::REPRISE_ISA {

template <class T>
const Kernels<T>& table() {
  static constexpr Kernels<T> kTable{norm<T>,
                                     norm_backward<T>,
                                     blend<T>,
                                     blend_backward<T>,
                                     heads<T>,
                                     heads_backward<T>,
                                     squared_relu<T>,
                                     squared_relu_backward<T>,
                                     cap<T>,
                                     head_loss<T>,
                                     head_loss_backward<T>,
                                     spread<T>,
                                     combine<T>,
                                     slot_products<T>,
                                     steps<T>};
  return kTable;
}

template const Kernels<Bf16>& table<Bf16>();
template const Kernels<float>& table<float>();
template const Kernels<double>& table<double>();

}  // namespace reprise::ops::REPRISE_ISA
