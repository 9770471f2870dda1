#include <ATen/ATen.h>

#include <algorithm>
#include <optional>

#include "models/ops/reference.h"

namespace reprise::ops::reference {

namespace {

/// As many key heads as query heads.
at::Tensor for_every_query_head(const at::Tensor& keys_BGTE, int64_t heads) {
  return keys_BGTE.repeat_interleave(heads / keys_BGTE.size(1), 1);
}

at::Tensor dense_attention(const at::Tensor& queries_MHE, const at::Tensor& keys_BGTE,
                           const at::Tensor& values_BGTE) {
  const int64_t heads = queries_MHE.size(1);
  const at::Tensor queries_BHTE =
      queries_MHE.unflatten(0, {keys_BGTE.size(0), keys_BGTE.size(2)}).transpose(1, 2);
  // Flash attention on a GPU, which is for half precision, reads a key head for its whole group;
  // the kernels of other types and devices would fall back to a full matrix of scores.
  const bool grouped = queries_MHE.is_cuda() && queries_MHE.scalar_type() == at::kBFloat16;
  const auto fitting = [&](const at::Tensor& keys) {
    return grouped ? keys : for_every_query_head(keys, heads);
  };
  return at::scaled_dot_product_attention(queries_BHTE, fitting(keys_BGTE), fitting(values_BGTE),
                                          /*attn_mask=*/{}, /*dropout_p=*/0, /*is_causal=*/true,
                                          /*scale=*/std::nullopt, /*enable_gqa=*/grouped)
      .transpose(1, 2)
      .flatten(2)
      .flatten(0, 1);
}

/// Picked rows, each sequence's padded to the most that any has, so that one masked product takes
/// all sequences.
class PaddedRows {
 public:
  PaddedRows(const at::Tensor& rows_M, int64_t batch, int64_t length) : batch_(batch) {
    const at::Tensor sequences_M = at::floor_divide(rows_M, length);
    const at::Tensor firsts =
        at::searchsorted(rows_M, at::arange(batch + 1, rows_M.options()) * length);
    const at::Tensor counts_B = firsts.slice(0, 1) - firsts.slice(0, 0, -1);
    most_ = std::max<int64_t>(1, counts_B.max().item<int64_t>());
    const at::Tensor places_M =
        at::arange(rows_M.size(0), rows_M.options()) - firsts.index_select(0, sequences_M);
    slots_M_ = sequences_M * most_ + places_M;
    // What pads stands at the last position: it sees every key, and a softmax over none is no
    // number.
    const at::Tensor positions = at::full({batch * most_}, length - 1, rows_M.options())
                                     .index_copy(0, slots_M_, rows_M % length);
    seen_B1KT_ = at::arange(length, rows_M.options()) <= positions.view({batch, 1, most_, 1});
  }

  /// [M, H, E] -> [B, H, K, E].
  at::Tensor spread(const at::Tensor& x_MHE) const {
    return at::zeros({batch_ * most_, x_MHE.size(1), x_MHE.size(2)}, x_MHE.options())
        .index_copy(0, slots_M_, x_MHE)
        .unflatten(0, {batch_, most_})
        .transpose(1, 2);
  }
  /// [B, H, K, E] -> [M, H, E].
  at::Tensor gather(const at::Tensor& x_BHKE) const {
    return x_BHKE.transpose(1, 2).flatten(0, 1).index_select(0, slots_M_);
  }
  const at::Tensor& seen() const { return seen_B1KT_; }

 private:
  int64_t batch_, most_ = 1;  ///< most: K
  at::Tensor slots_M_, seen_B1KT_;
};

at::Tensor packed_attention(const at::Tensor& queries_MHE, const at::Tensor& keys_BGTE,
                            const at::Tensor& values_BGTE, const at::Tensor& rows_M) {
  const int64_t heads = queries_MHE.size(1);
  const PaddedRows rows(rows_M, keys_BGTE.size(0), keys_BGTE.size(2));
  return rows
      .gather(at::scaled_dot_product_attention(
          rows.spread(queries_MHE), for_every_query_head(keys_BGTE, heads),
          for_every_query_head(values_BGTE, heads), rows.seen()))
      .flatten(1);
}

}  // namespace

at::Tensor attention(const at::Tensor& queries_MHE, const at::Tensor& keys_BGTE,
                     const at::Tensor& values_BGTE, const at::Tensor& rows_M) {
  if (rows_M.size(0) == keys_BGTE.size(0) * keys_BGTE.size(2))
    return dense_attention(queries_MHE, keys_BGTE, values_BGTE);
  return packed_attention(queries_MHE, keys_BGTE, values_BGTE, rows_M);
}

}  // namespace reprise::ops::reference
