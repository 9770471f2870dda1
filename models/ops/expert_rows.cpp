#include "models/ops/expert_rows.h"

#include "models/ops/launch.h"
#include "models/ops/reference.h"

namespace reprise::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class T>
const Wide<T>* read_weights(const at::Tensor& weights) {
  return weights.defined() ? read<Wide<T>>(weights) : nullptr;
}

/// Contiguous operands; `weights` may be undefined.
at::Tensor spread_rows(const at::Tensor& x, const at::Tensor& slots, const at::Tensor& weights,
                       int64_t count) {
  const int64_t width = x.size(1), per_row = slots.size(1);
  const at::Tensor packed = at::zeros({count, width}, x.options());
  for_type(x.scalar_type(), [&]<class T>(std::type_identity<T>) {
    const SpreadKernel<T> kernel{
        read<T>(x), read<int64_t>(slots), read_weights<T>(weights), write<T>(packed), per_row,
        width};
    for_ranges(ranges_of(x.size(0), per_row * width),
               [&](int64_t, Rows range) { kernels<T>().spread(kernel, range); });
  });
  return packed;
}

at::Tensor combine_rows(const at::Tensor& packed, const at::Tensor& slots,
                        const at::Tensor& weights) {
  const int64_t width = packed.size(1), per_row = slots.size(1);
  const at::Tensor x = at::empty({slots.size(0), width}, packed.options());
  for_type(x.scalar_type(), [&]<class T>(std::type_identity<T>) {
    const CombineKernel<T> kernel{read<T>(packed),
                                  read<int64_t>(slots),
                                  read_weights<T>(weights),
                                  write<T>(x),
                                  per_row,
                                  width};
    for_ranges(ranges_of(x.size(0), per_row * width),
               [&](int64_t, Rows range) { kernels<T>().combine(kernel, range); });
  });
  return x;
}

at::Tensor products_of_slots(const at::Tensor& x, const at::Tensor& packed,
                             const at::Tensor& slots) {
  const int64_t width = x.size(1), per_row = slots.size(1);
  const at::Tensor products =
      at::empty(slots.sizes(), x.options().dtype(at::toOpMathType(x.scalar_type())));
  for_type(x.scalar_type(), [&]<class T>(std::type_identity<T>) {
    const SlotProductsKernel<T> kernel{
        read<T>(x), read<T>(packed), read<int64_t>(slots), write<Wide<T>>(products), per_row,
        width};
    for_ranges(ranges_of(x.size(0), per_row * width),
               [&](int64_t, Rows range) { kernels<T>().slot_products(kernel, range); });
  });
  return products;
}

struct Spread : torch::autograd::Function<Spread> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& slots,
                            int64_t count) {
    context->save_for_backward({slots});
    return spread_rows(x.contiguous(), slots, {}, count);
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const at::Tensor slots = context->get_saved_variables()[0];
    return {combine_rows(grads[0].contiguous(), slots, {}), {}, {}};
  }
};

struct Combine : torch::autograd::Function<Combine> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given,
                            const at::Tensor& slots, const at::Tensor& given_weights) {
    const at::Tensor packed = given.contiguous(), weights = given_weights.contiguous();
    context->save_for_backward({packed, slots, weights});
    return combine_rows(packed, slots, weights);
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor grad = grads[0].contiguous(), &packed = saved[0], &slots = saved[1];
    return {spread_rows(grad, slots, saved[2], packed.size(0)),
            {},
            products_of_slots(grad, packed, slots)};
  }
};

}  // namespace

at::Tensor spread(const at::Tensor& x_RC, const at::Tensor& slots_RJ, int64_t slots) {
  if (!has_kernels(x_RC)) return reference::spread(x_RC, slots_RJ, slots);
  return Spread::apply(x_RC, slots_RJ.contiguous(), slots);
}

at::Tensor combine(const at::Tensor& packed_NC, const at::Tensor& slots_RJ,
                   const at::Tensor& weights_RJ) {
  if (!has_kernels(packed_NC)) return reference::combine(packed_NC, slots_RJ, weights_RJ);
  return Combine::apply(packed_NC, slots_RJ.contiguous(), weights_RJ);
}

}  // namespace reprise::ops
