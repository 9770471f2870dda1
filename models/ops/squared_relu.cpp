#include "models/ops/squared_relu.h"

#include "models/ops/launch.h"
#include "models/ops/reference.h"

namespace reprise::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct SquaredRelu : torch::autograd::Function<SquaredRelu> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input) {
    const at::Tensor x = input.contiguous(), y = at::empty_like(x);
    for_type(x.scalar_type(), [&]<class T>(std::type_identity<T>) {
      for_ranges(ranges_of(x.numel(), 1), [&](int64_t, Rows elements) {
        kernels<T>().squared_relu({read<T>(x), write<T>(y)}, elements);
      });
    });
    context->save_for_backward({x});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const at::Tensor x = context->get_saved_variables()[0], grad_y = grads[0].contiguous();
    const at::Tensor grad_x = at::empty_like(x);
    for_type(x.scalar_type(), [&]<class T>(std::type_identity<T>) {
      for_ranges(ranges_of(x.numel(), 1), [&](int64_t, Rows elements) {
        kernels<T>().squared_relu_backward({read<T>(x), read<T>(grad_y), write<T>(grad_x)},
                                           elements);
      });
    });
    return {grad_x};
  }
};

}  // namespace

at::Tensor squared_relu(const at::Tensor& x) {
  return has_kernels(x) ? SquaredRelu::apply(x) : reference::squared_relu(x);
}

}  // namespace reprise::ops
