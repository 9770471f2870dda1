#include "models/ops/heads.h"

#include <cmath>

#include "models/ops/launch.h"
#include "models/ops/reference.h"

namespace reprise::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

HeadLayout layout_of(const at::Tensor& projected, const at::Tensor& gain, const at::Tensor& cos,
                     int64_t head_width) {
  const int64_t heads = gain.size(0);
  return {heads, (projected.size(1) / head_width - heads) / 2, head_width, cos.size(1)};
}

struct SplitHeads : torch::autograd::Function<SplitHeads> {
  static variable_list forward(AutogradContext* context, const at::Tensor& input,
                               const at::Tensor& gain, const at::Tensor& cos, const at::Tensor& sin,
                               const at::Tensor& positions, int64_t head_width) {
    const at::Tensor projected = input.contiguous();
    const HeadLayout layout = layout_of(projected, gain, cos, head_width);
    const int64_t rows = projected.size(0);
    const at::Tensor queries = projected.new_empty({rows, layout.heads, head_width});
    const at::Tensor keys = projected.new_empty({rows, layout.kv_heads, head_width});
    const at::Tensor values = at::empty_like(keys);
    for_type(projected.scalar_type(), [&]<class T>(std::type_identity<T>) {
      const HeadsKernel<T> kernel{layout,
                                  read<T>(projected),
                                  read<Wide<T>>(gain),
                                  read<Wide<T>>(cos),
                                  read<Wide<T>>(sin),
                                  read<int64_t>(positions),
                                  write<T>(queries),
                                  write<T>(keys),
                                  write<T>(values)};
      for_ranges(ranges_of(rows, projected.size(1)),
                 [&](int64_t, Rows range) { kernels<T>().heads(kernel, range); });
    });
    context->save_for_backward({projected, gain, cos, sin, positions});
    context->saved_data["head_width"] = head_width;
    return {queries, keys, values};
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &projected = saved[0], &gain = saved[1], &cos = saved[2];
    const HeadLayout layout =
        layout_of(projected, gain, cos, context->saved_data["head_width"].toInt());
    const Ranges ranges = ranges_of(projected.size(0), projected.size(1));
    const at::Tensor grad_projected = at::empty_like(projected);
    const at::Tensor grad_gain = at::zeros({ranges.count(), layout.heads}, gain.options());
    const at::Tensor grad_queries = grads[0].contiguous(), grad_keys = grads[1].contiguous(),
                     grad_values = grads[2].contiguous();
    for_type(projected.scalar_type(), [&]<class T>(std::type_identity<T>) {
      for_ranges(ranges, [&](int64_t index, Rows range) {
        kernels<T>().heads_backward(
            {layout, read<T>(projected), read<Wide<T>>(gain), read<Wide<T>>(cos),
             read<Wide<T>>(saved[3]), read<int64_t>(saved[4]), read<T>(grad_queries),
             read<T>(grad_keys), read<T>(grad_values), write<T>(grad_projected),
             write<Wide<T>>(grad_gain) + index * layout.heads},
            range);
      });
    });
    return {grad_projected, grad_gain.sum(0), {}, {}, {}, {}};
  }
};

}  // namespace

RotaryTable make_rotary_table(const RotaryShape& shape, const at::TensorOptions& options) {
  const int64_t pairs = std::llround(shape.share * static_cast<double>(shape.head_width) / 2);
  const at::Tensor positions = at::arange(shape.context, at::kDouble).unsqueeze(1);
  const at::Tensor exponents = at::arange(pairs, at::kDouble) / std::max<int64_t>(pairs, 1);
  const at::Tensor angles = positions * at::pow(shape.base, -exponents);
  return {angles.cos().to(options), angles.sin().to(options), shape.head_width};
}

Heads split_heads(const at::Tensor& projected_MC, const at::Tensor& gain_H,
                  const RotaryTable& rotary, const at::Tensor& positions_M) {
  if (!has_kernels(projected_MC))
    return reference::split_heads(projected_MC, gain_H, rotary, positions_M);
  const variable_list heads = SplitHeads::apply(projected_MC, gain_H.contiguous(), rotary.cos_TR,
                                                rotary.sin_TR, positions_M, rotary.head_width);
  return {heads[0], heads[1], heads[2]};
}

}  // namespace reprise::ops
