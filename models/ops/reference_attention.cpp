#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include <cmath>
#include <limits>

#include "models/ops/reference.h"

namespace reprise::ops::reference {

namespace {

/// One sequence: queries [m, H, E] at positions_M, keys and values [G, T, E] -> [m, H, E].
at::Tensor attend(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                  const at::Tensor& positions) {
  const int64_t group = queries.size(1) / keys.size(0), length = keys.size(1);
  const double scale = 1 / std::sqrt(static_cast<double>(keys.size(2)));
  const at::Tensor wide_keys = keys.repeat_interleave(group, 0);
  const at::Tensor scores = at::matmul(queries.transpose(0, 1), wide_keys.transpose(1, 2)) * scale;
  const at::Tensor future = at::arange(length, positions.options()) > positions.unsqueeze(1);
  const at::Tensor shares =
      at::softmax(scores.masked_fill(future, -std::numeric_limits<double>::infinity()), -1);
  return at::matmul(shares, values.repeat_interleave(group, 0)).transpose(0, 1);
}

at::Tensor dense_attention(const at::Tensor& queries_MHE, const at::Tensor& keys_BGTE,
                           const at::Tensor& values_BGTE) {
  const int64_t group = queries_MHE.size(1) / keys_BGTE.size(1);
  const at::Tensor queries_BHTE =
      queries_MHE.unflatten(0, {keys_BGTE.size(0), keys_BGTE.size(2)}).transpose(1, 2);
  return at::scaled_dot_product_attention(queries_BHTE, keys_BGTE.repeat_interleave(group, 1),
                                          values_BGTE.repeat_interleave(group, 1), {}, 0, true)
      .transpose(1, 2)
      .flatten(2)
      .flatten(0, 1);
}

}  // namespace

at::Tensor attention(const at::Tensor& queries_MHE, const at::Tensor& keys_BGTE,
                     const at::Tensor& values_BGTE, const at::Tensor& rows_M) {
  const int64_t batch = keys_BGTE.size(0), length = keys_BGTE.size(2);
  if (rows_M.size(0) == batch * length) return dense_attention(queries_MHE, keys_BGTE, values_BGTE);
  const at::ScalarType wide = at::toOpMathType(queries_MHE.scalar_type());
  const at::Tensor bounds = at::arange(batch + 1, rows_M.options()) * length;
  const at::Tensor firsts = at::searchsorted(rows_M, bounds).cpu();
  std::vector<at::Tensor> outputs;  // sequences without rows too: no gradient may be dropped
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t first = firsts[b].item<int64_t>();
    const int64_t count = firsts[b + 1].item<int64_t>() - first;
    outputs.push_back(attend(queries_MHE.narrow(0, first, count).to(wide), keys_BGTE[b].to(wide),
                             values_BGTE[b].to(wide), rows_M.narrow(0, first, count) % length));
  }
  return at::cat(outputs).flatten(1).to(queries_MHE.scalar_type());
}

}  // namespace reprise::ops::reference
