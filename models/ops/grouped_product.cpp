#include "models/ops/grouped_product.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"

namespace reprise::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Calls f(x, rows) with each group and a function that narrows a packed tensor to its rows.
template <class F>
void for_groups(const std::vector<int64_t>& offsets, F f) {
  for (size_t x = 0; x + 1 < offsets.size(); ++x) {
    const int64_t first = offsets[x], count = offsets[x + 1] - first;
    f(static_cast<int64_t>(x), count,
      [=](const at::Tensor& packed) { return packed.narrow(0, first, count); });
  }
}

struct GroupedProduct : torch::autograd::Function<GroupedProduct> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& packed,
                            const at::Tensor& weights, const std::vector<int64_t>& offsets) {
    const at::Tensor result = at::empty({packed.size(0), weights.size(1)}, packed.options());
    for_groups(offsets, [&](int64_t x, int64_t count, auto rows) {
      at::Tensor out = rows(result);
      if (count > 0) at::mm_out(out, rows(packed), weights[x].t());
    });
    context->save_for_backward({packed, weights});
    context->saved_data["offsets"] = offsets;
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &packed = saved[0], &weights = saved[1], grad = grads[0].contiguous();
    const at::Tensor grad_packed = at::empty_like(packed), grad_weights = at::empty_like(weights);
    for_groups(context->saved_data["offsets"].toIntVector(),
               [&](int64_t x, int64_t count, auto rows) {
                 at::Tensor of_weights = grad_weights[x], of_rows = rows(grad_packed);
                 if (count == 0) {
                   of_weights.zero_();
                   return;
                 }
                 at::mm_out(of_rows, rows(grad), weights[x]);
                 at::mm_out(of_weights, rows(grad).t(), rows(packed));
               });
    return {grad_packed, grad_weights, {}};
  }
};

}  // namespace

at::Tensor grouped_product(const at::Tensor& packed_NC, const std::vector<int64_t>& offsets,
                           const at::Tensor& weights_XRC) {
  require(std::ssize(offsets) == weights_XRC.size(0) + 1 && offsets.back() == packed_NC.size(0),
          ExitCode::kFailure, "groups that are not those of the rows");
  return GroupedProduct::apply(packed_NC.contiguous(), weights_XRC.contiguous(), offsets);
}

}  // namespace reprise::ops
