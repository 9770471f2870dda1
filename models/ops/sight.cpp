#include "models/ops/sight.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace reprise::ops {

namespace {

int64_t most(const std::vector<RowSpan>& spans) {
  int64_t count = 0;
  for (const RowSpan& span : spans) count = std::max(count, span.count);
  return count;
}

std::vector<RowSpan> equal_spans(int64_t sequences, int64_t length) {
  std::vector<RowSpan> spans;
  for (int64_t b = 0; b < sequences; ++b) spans.push_back({b * length, length});
  return spans;
}

/// Where the rows of each sequence lie in `rows_M`.
std::vector<RowSpan> spans_of(const at::Tensor& rows_M, int64_t sequences, int64_t length) {
  const at::Tensor rows = rows_M.cpu().contiguous();
  const int64_t* begin = rows.const_data_ptr<int64_t>();
  std::vector<RowSpan> spans;
  int64_t first = 0;
  for (int64_t b = 0; b < sequences; ++b) {
    const int64_t last =
        std::lower_bound(begin + first, begin + rows.numel(), (b + 1) * length) - begin;
    spans.push_back({first, last - first});
    first = last;
  }
  return spans;
}

}  // namespace

int64_t Sight::most_queries() const { return most(queries_B); }
int64_t Sight::most_keys() const { return most(keys_B); }

Sight see_all(int64_t sequences, int64_t length, const at::Device& device) {
  const std::vector<RowSpan> spans = equal_spans(sequences, length);
  const at::Tensor rows =
      at::arange(sequences * length, at::TensorOptions(device).dtype(at::kLong));
  return {spans, spans, rows % length + 1, true};
}

Sight see_every_row(const at::Tensor& rows_M, int64_t sequences, int64_t length) {
  return {spans_of(rows_M, sequences, length), equal_spans(sequences, length), rows_M % length + 1,
          rows_M.size(0) == sequences * length};
}

Sight see_one_another(const at::Tensor& rows_M, int64_t sequences, int64_t length) {
  const std::vector<RowSpan> spans = spans_of(rows_M, sequences, length);
  at::Tensor seen = at::empty({rows_M.size(0)}, at::kLong);
  for (const RowSpan& span : spans)
    for (int64_t m = 0; m < span.count; ++m) seen.data_ptr<int64_t>()[span.first + m] = m + 1;
  return {spans, spans, seen.to(rows_M.device()), rows_M.size(0) == sequences * length};
}

}  // namespace reprise::ops
