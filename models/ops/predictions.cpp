#include "models/ops/predictions.h"

#include <limits>

#include "models/ops/launch.h"

namespace reprise::ops {
namespace {

void require_logits(const at::Tensor& logits_NV) {
  require(logits_NV.is_cpu() && logits_NV.scalar_type() == at::kFloat && logits_NV.dim() == 2 &&
              logits_NV.is_contiguous() && logits_NV.size(1) >= 1 &&
              logits_NV.size(1) < std::numeric_limits<int32_t>::max(),
          ExitCode::kFailure, "predictions are read from contiguous fp32 rows of logits, not from ",
          c10::toString(logits_NV.scalar_type()), " of shape ", c10::str(logits_NV.sizes()));
}

PredictedRows rows_of(const PredictedTable& table, at::IntArrayRef shape) {
  require_logits(table.logits_NV);
  require(table.logits_NV.sizes() == shape && table.rows.size() == static_cast<size_t>(shape[0]),
          ExitCode::kFailure, "predictions that are compared have ", table.rows.size(),
          " rows and logits of shape ", c10::str(table.logits_NV.sizes()), ", wanted ",
          c10::str(shape));
  return {read<float>(table.logits_NV), table.rows.data()};
}

}  // namespace

std::vector<RowPrediction> predict_rows(const at::Tensor& logits_NV) {
  require_logits(logits_NV);
  const int64_t rows = logits_NV.size(0), vocab = logits_NV.size(1);
  std::vector<RowPrediction> predictions(static_cast<size_t>(rows));
  const PredictKernel kernel{read<float>(logits_NV), predictions.data(), vocab};
  for_ranges(ranges_of(rows, vocab),
             [&](int64_t, Rows range) { prediction_kernels().predict(kernel, range); });
  return predictions;
}

Comparisons compare_rows(const PredictedTable& p, const PredictedTable& q,
                         const PredictedTable& r) {
  const at::IntArrayRef shape = p.logits_NV.sizes();
  const PredictedRows rows_p = rows_of(p, shape), rows_q = rows_of(q, shape),
                      rows_r = rows_of(r, shape);
  Comparisons comparisons{std::vector<double>(p.rows.size()), std::vector<double>(p.rows.size())};
  const CompareKernel kernel{
      rows_p,  rows_q, rows_r, comparisons.divergence.data(), comparisons.variation.data(),
      shape[1]};
  for_ranges(ranges_of(shape[0], shape[1]),
             [&](int64_t, Rows range) { prediction_kernels().compare(kernel, range); });
  return comparisons;
}

}  // namespace reprise::ops
