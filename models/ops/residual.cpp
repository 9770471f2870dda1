#include "models/ops/residual.h"

#include "models/ops/launch.h"
#include "models/ops/reference.h"

namespace reprise::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

enum class Norm { kNone, kAlso };

/// first * x + second * y per channel, and its norm where asked for.
struct Blend : torch::autograd::Function<Blend> {
  static variable_list forward(AutogradContext* context, const at::Tensor& left,
                               const at::Tensor& right, const at::Tensor& first,
                               const at::Tensor& second, Norm norm) {
    const at::Tensor x = left.contiguous(), y = right.contiguous(), stream = at::empty_like(x);
    const at::Tensor normed = norm == Norm::kAlso ? at::empty_like(x) : at::Tensor();
    const int64_t width = x.size(-1);
    for_type(x.scalar_type(), [&]<class T>(std::type_identity<T>) {
      const BlendKernel<T> kernel{read<T>(x),
                                  read<T>(y),
                                  read<Wide<T>>(first),
                                  read<Wide<T>>(second),
                                  write<T>(stream),
                                  normed.defined() ? write<T>(normed) : nullptr,
                                  width};
      for_ranges(ranges_of(x.numel() / width, width),
                 [&](int64_t, Rows range) { kernels<T>().blend(kernel, range); });
    });
    context->save_for_backward({x, y, first, second});
    return normed.defined() ? variable_list{stream, normed} : variable_list{stream};
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &y = saved[1], &first = saved[2], &second = saved[3];
    const at::Tensor grad_stream = grads[0].contiguous();
    const at::Tensor grad_normed = grads.size() > 1 ? grads[1].contiguous() : at::Tensor();
    const at::Tensor grad_x = at::empty_like(x), grad_y = at::empty_like(x);
    const int64_t width = x.size(-1);
    const Ranges ranges = ranges_of(x.numel() / width, width);
    const at::Tensor grad_weights = at::zeros({ranges.count(), 2, width}, first.options());
    for_type(x.scalar_type(), [&]<class T>(std::type_identity<T>) {
      for_ranges(ranges, [&](int64_t index, Rows range) {
        Wide<T>* weights = write<Wide<T>>(grad_weights) + index * 2 * width;
        kernels<T>().blend_backward(
            {read<T>(x), read<T>(y), read<Wide<T>>(first), read<Wide<T>>(second),
             read<T>(grad_stream), grad_normed.defined() ? read<T>(grad_normed) : nullptr,
             write<T>(grad_x), write<T>(grad_y), weights, weights + width, width},
            range);
      });
    });
    const at::Tensor sums = grad_weights.sum(0);
    return {grad_x, grad_y, sums[0], sums[1], {}};
  }
};

}  // namespace

Residual mix_and_norm(const at::Tensor& x, const at::Tensor& x0, const at::Tensor& mix_2D) {
  if (!has_kernels(x)) return reference::mix_and_norm(x, x0, mix_2D);
  const variable_list blend = Blend::apply(x, x0, mix_2D[0], mix_2D[1], Norm::kAlso);
  return {blend[0], blend[1]};
}

Residual add_and_norm(const at::Tensor& x, const at::Tensor& y, const at::Tensor& scale_D) {
  if (!has_kernels(x)) return reference::add_and_norm(x, y, scale_D);
  const variable_list blend =
      Blend::apply(x, y, at::ones(scale_D.sizes(), scale_D.options()), scale_D, Norm::kAlso);
  return {blend[0], blend[1]};
}

at::Tensor blend(const at::Tensor& x, const at::Tensor& y, const at::Tensor& first_D,
                 const at::Tensor& second_D) {
  if (!has_kernels(x)) return reference::blend(x, y, first_D, second_D);
  return Blend::apply(x, y, first_D, second_D, Norm::kNone)[0];
}

at::Tensor add_scaled(const at::Tensor& x, const at::Tensor& y, const at::Tensor& scale_D) {
  if (!has_kernels(x)) return reference::add_scaled(x, y, scale_D);
  return blend(x, y, at::ones(scale_D.sizes(), scale_D.options()), scale_D);
}

}  // namespace reprise::ops
