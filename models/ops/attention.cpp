#include "models/ops/attention.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include <cmath>
#include <limits>

namespace reprise::ops {

at::Tensor attention(const at::Tensor& queries_BHTE, const at::Tensor& keys_BGTE,
                     const at::Tensor& values_BGTE) {
  const int64_t group = queries_BHTE.size(1) / keys_BGTE.size(1);
  const at::Tensor mixed_BHTE =
      at::scaled_dot_product_attention(queries_BHTE, keys_BGTE.repeat_interleave(group, 1),
                                       values_BGTE.repeat_interleave(group, 1), {}, 0, true);
  return mixed_BHTE.transpose(1, 2).flatten(2);
}

at::Tensor packed_attention(const at::Tensor& queries_MHE, const at::Tensor& keys_BGTE,
                            const at::Tensor& values_BGTE, const at::Tensor& rows_M) {
  const int64_t batch = keys_BGTE.size(0), length = keys_BGTE.size(2),
                head_width = keys_BGTE.size(3);
  const int64_t group = queries_MHE.size(1) / keys_BGTE.size(1);
  const double scale = 1 / std::sqrt(static_cast<double>(head_width));
  const at::ScalarType type = at::toOpMathType(queries_MHE.scalar_type());
  const at::Tensor bounds = at::arange(batch + 1, rows_M.options()) * length;
  const at::Tensor firsts = at::searchsorted(rows_M, bounds).cpu();
  const at::Tensor key_positions_T = at::arange(length, rows_M.options());

  std::vector<at::Tensor>
      mixed;  // one entry per sequence, empty ones too: no gradient may be dropped
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t first = firsts[b].item<int64_t>(), count = firsts[b + 1].item<int64_t>() - first;
    const at::Tensor queries = queries_MHE.narrow(0, first, count).transpose(0, 1).to(type);
    const at::Tensor keys = keys_BGTE[b].to(type).repeat_interleave(group, 0);
    const at::Tensor values = values_BGTE[b].to(type).repeat_interleave(group, 0);
    const at::Tensor future =
        key_positions_T > (rows_M.narrow(0, first, count) % length).unsqueeze(1);
    const at::Tensor scores = at::matmul(queries, keys.transpose(1, 2)) * scale;
    const at::Tensor weights =
        at::softmax(scores.masked_fill(future, -std::numeric_limits<double>::infinity()), -1);
    mixed.push_back(at::matmul(weights, values).transpose(0, 1));
  }
  return at::cat(mixed).flatten(1).to(queries_MHE.scalar_type());
}

}  // namespace reprise::ops
