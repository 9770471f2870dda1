#include "models/ops/steps.h"

#include "models/ops/launch.h"
#include "models/ops/reference.h"

namespace reprise::ops {

Steps compare_states(const at::Tensor& oldest_ND, const at::Tensor& before_ND,
                     const at::Tensor& now_ND) {
  for (const at::Tensor& earlier : {oldest_ND, before_ND})
    require(earlier.sizes() == now_ND.sizes() && earlier.scalar_type() == now_ND.scalar_type() &&
                now_ND.dim() == 2,
            ExitCode::kFailure, "states that are compared have the shapes ",
            c10::str(earlier.sizes()), " and ", c10::str(now_ND.sizes()), " and the types ",
            c10::toString(earlier.scalar_type()), " and ", c10::toString(now_ND.scalar_type()));
  if (!has_kernels(now_ND)) return reference::compare_states(oldest_ND, before_ND, now_ND);
  const at::Tensor oldest = oldest_ND.contiguous(), before = before_ND.contiguous(),
                   now = now_ND.contiguous();
  const int64_t rows = now.size(0), width = now.size(1);
  const auto values = [&] {
    return at::empty({rows}, now.options().dtype(at::toOpMathType(now.scalar_type())));
  };
  const Steps steps{values(), values(), values()};
  for_type(now.scalar_type(), [&]<class T>(std::type_identity<T>) {
    const StepsKernel<T> kernel{read<T>(oldest),
                                read<T>(before),
                                read<T>(now),
                                write<Wide<T>>(steps.residual_N),
                                write<Wide<T>>(steps.cosine_N),
                                write<Wide<T>>(steps.second_order_N),
                                width};
    for_ranges(ranges_of(rows, width),
               [&](int64_t, Rows range) { kernels<T>().steps(kernel, range); });
  });
  return steps;
}

}  // namespace reprise::ops
