#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "models/ops/reference.h"

namespace reprise::ops::reference {

namespace {

/// As many key heads as query heads: [B, G, S, E] -> [B, H, S, E].
at::Tensor for_every_query_head(const at::Tensor& keys_BGSE, int64_t heads) {
  return keys_BGSE.repeat_interleave(heads / keys_BGSE.size(1), 1);
}

at::Tensor dense_attention(const at::Tensor& queries_MHE, const KeyRows& rows, int64_t sequences) {
  const int64_t heads = queries_MHE.size(1);
  const auto by_sequence = [&](const at::Tensor& x_MHE) {
    return x_MHE.unflatten(0, {sequences, -1}).transpose(1, 2);
  };
  // Flash attention on a GPU, which is for half precision, reads a key head for its whole group;
  // the kernels of other types and devices would fall back to a full matrix of scores.
  const bool grouped = queries_MHE.is_cuda() && queries_MHE.scalar_type() == at::kBFloat16;
  const auto fitting = [&](const at::Tensor& keys_NGE) {
    const at::Tensor keys_BGTE = by_sequence(keys_NGE);
    return grouped ? keys_BGTE : for_every_query_head(keys_BGTE, heads);
  };
  return at::scaled_dot_product_attention(by_sequence(queries_MHE), fitting(rows.keys_NGE),
                                          fitting(rows.values_NGE), /*attn_mask=*/{},
                                          /*dropout_p=*/0, /*is_causal=*/true,
                                          /*scale=*/std::nullopt, /*enable_gqa=*/grouped)
      .transpose(1, 2)
      .flatten(2)
      .flatten(0, 1);
}

/// Packed rows by sequence, each sequence's padded to the most that any has.
class PaddedRows {
 public:
  PaddedRows(const std::vector<RowSpan>& spans_B, const at::Device& device)
      : batch_(std::ssize(spans_B)) {
    for (const RowSpan& span : spans_B) most_ = std::max(most_, span.count);
    std::vector<int64_t> rows, slots;
    for (int64_t b = 0; b < batch_; ++b) {
      const RowSpan& span = spans_B[static_cast<size_t>(b)];
      for (int64_t i = 0; i < span.count; ++i) {
        rows.push_back(span.first + i);
        slots.push_back(b * most_ + i);
      }
    }
    whole_ = std::ssize(rows) == batch_ * most_;
    rows_ = at::tensor(rows, at::kLong).to(device);
    slots_ = at::tensor(slots, at::kLong).to(device);
  }

  /// [M, ...] -> [B, K, ...], `fill` where it pads.
  at::Tensor spread(const at::Tensor& x_M, double fill = 0) const {
    const at::Tensor picked = x_M.index_select(0, rows_);
    std::vector<int64_t> shape = x_M.sizes().vec();
    shape[0] = batch_ * most_;
    return (whole_ ? picked : at::full(shape, fill, x_M.options()).index_copy(0, slots_, picked))
        .unflatten(0, {batch_, most_});
  }
  /// [B, K, ...] -> [M, ...], of rows that lie in the order of the sequences and fill M.
  at::Tensor gather(const at::Tensor& x_BK) const {
    return x_BK.flatten(0, 1).index_select(0, slots_);
  }
  int64_t most() const { return most_; }

 private:
  int64_t batch_, most_ = 1;  ///< most: K
  bool whole_ = false;
  at::Tensor rows_, slots_;
};

/// softmax(q k^T / sqrt(E)) v and the logarithms of its sums, queries that see nothing aside:
/// [B, H, K, E], [B, H, K].
std::pair<at::Tensor, at::Tensor> softmax_of(const at::Tensor& queries_BHKE,
                                             const at::Tensor& keys_BHSE,
                                             const at::Tensor& values_BHSE,
                                             const at::Tensor& seen_B1KS) {
  const at::ScalarType wide = at::toOpMathType(queries_BHKE.scalar_type());
  const double scale = 1 / std::sqrt(static_cast<double>(queries_BHKE.size(-1)));
  const at::Tensor scores_BHKS =
      (at::matmul(queries_BHKE.to(wide), keys_BHSE.to(wide).transpose(-1, -2)) * scale)
          .masked_fill(seen_B1KS.logical_not(), -std::numeric_limits<double>::infinity());
  const at::Tensor mixed_BHKE = at::matmul(scores_BHKS.softmax(-1), values_BHSE.to(wide));
  return {mixed_BHKE.to(queries_BHKE.scalar_type()), scores_BHKS.logsumexp(-1)};
}

/// A call's tensors by sequence, heads first.
struct Padded {
  PaddedRows rows;
  at::Tensor queries_BHKE, keys_BHSE, values_BHSE, seen_B1KS;

  /// [B, H, K, ...] -> [M, H, ...].
  at::Tensor gather(const at::Tensor& x_BHK) const { return rows.gather(x_BHK.transpose(1, 2)); }
};

Padded pad(const at::Tensor& queries_MHE, const KeyRows& rows, const Sight& sight) {
  const PaddedRows queries(sight.queries_B, queries_MHE.device());
  const PaddedRows keys(sight.keys_B, queries_MHE.device());
  const auto every_head = [&](const at::Tensor& x_NGE) {
    return for_every_query_head(keys.spread(x_NGE).transpose(1, 2), queries_MHE.size(1));
  };
  // What pads sees one key: a softmax over none is no number.
  const at::Tensor seen_BK1 = queries.spread(sight.seen_M, 1).unsqueeze(-1);
  const at::Tensor seen_BKS = at::arange(keys.most(), sight.seen_M.options()) < seen_BK1;
  return {queries, queries.spread(queries_MHE).transpose(1, 2), every_head(rows.keys_NGE),
          every_head(rows.values_NGE), seen_BKS.unsqueeze(1)};
}

}  // namespace

Attended attend(const at::Tensor& queries_MHE, const KeyRows& rows, const Sight& sight) {
  const Padded x = pad(queries_MHE, rows, sight);
  const auto [mixed_BHKE, log_sums_BHK] =
      softmax_of(x.queries_BHKE, x.keys_BHSE, x.values_BHSE, x.seen_B1KS);
  return {x.gather(mixed_BHKE).flatten(1), x.gather(log_sums_BHK)};
}

at::Tensor attention(const at::Tensor& queries_MHE, const KeyRows& rows, const Sight& sight) {
  if (sight.causal) return dense_attention(queries_MHE, rows, std::ssize(sight.keys_B));
  const Padded x = pad(queries_MHE, rows, sight);
  return x
      .gather(
          at::scaled_dot_product_attention(x.queries_BHKE, x.keys_BHSE, x.values_BHSE, x.seen_B1KS))
      .flatten(1);
}

at::Tensor masked_attention(const at::Tensor& queries_BTHE, const at::Tensor& keys_BSGE,
                            const at::Tensor& values_BSGE, const at::Tensor& seen_BTS) {
  const int64_t heads = queries_BTHE.size(2);
  return softmax_of(queries_BTHE.transpose(1, 2),
                    for_every_query_head(keys_BSGE.transpose(1, 2), heads),
                    for_every_query_head(values_BSGE.transpose(1, 2), heads), seen_BTS.unsqueeze(1))
      .first.transpose(1, 2)
      .flatten(2);
}

}  // namespace reprise::ops::reference
