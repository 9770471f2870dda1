#include "models/ops/rms_norm.h"

#include "models/ops/launch.h"
#include "models/ops/reference.h"

namespace reprise::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input) {
    const at::Tensor x = input.contiguous(), y = at::empty_like(x);
    const int64_t width = x.size(-1), rows = x.numel() / width;
    for_type(x.scalar_type(), [&]<class T>(std::type_identity<T>) {
      for_ranges(ranges_of(rows, width), [&](int64_t, Rows range) {
        kernels<T>().norm({read<T>(x), write<T>(y), width}, range);
      });
    });
    context->save_for_backward({x});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const at::Tensor x = context->get_saved_variables()[0], grad_y = grads[0].contiguous();
    const at::Tensor grad_x = at::empty_like(x);
    const int64_t width = x.size(-1), rows = x.numel() / width;
    for_type(x.scalar_type(), [&]<class T>(std::type_identity<T>) {
      for_ranges(ranges_of(rows, width), [&](int64_t, Rows range) {
        kernels<T>().norm_backward({read<T>(x), read<T>(grad_y), write<T>(grad_x), width}, range);
      });
    });
    return {grad_x};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x) {
  return has_kernels(x) ? RmsNorm::apply(x) : reference::rms_norm(x);
}

}  // namespace reprise::ops
