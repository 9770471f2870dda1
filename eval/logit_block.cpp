#include "eval/logit_block.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "eval/device_predictions.h"
#include "models/device.h"

namespace reprise {
namespace {

template <class Value>
std::vector<float> each(const std::vector<ops::RowPrediction>& rows, Value&& value) {
  std::vector<float> values;
  for (size_t n = 0; n < rows.size(); ++n) values.push_back(static_cast<float>(value(n)));
  return values;
}

}  // namespace

LogitBlock::LogitBlock(const at::Tensor& logits_NV) : logits_NV_(logits_NV.contiguous()) {
  if (on_host()) rows_ = ops::predict_rows(logits_NV_);
}

void LogitBlock::predict(const at::Tensor& targets_N, int64_t first,
                         Predictions& predictions) const {
  if (on_host()) return predict_on_host(targets_N, first, predictions);
  predict_on_device(targets_N, first, predictions);
}

void LogitBlock::predict_on_host(const at::Tensor& targets_N, int64_t first,
                                 Predictions& predictions) const {
  const auto vocab = static_cast<size_t>(logits_NV_.size(1));
  const float* logits = logits_NV_.const_data_ptr<float>();
  const int64_t* targets = targets_N.const_data_ptr<int64_t>();
  for (size_t n = 0; n < rows_.size(); ++n) {
    const ops::RowPrediction& row = rows_[n];
    const size_t to = static_cast<size_t>(first) + n;
    const double below_top = double{row.top} - logits[n * vocab + static_cast<size_t>(targets[n])];
    predictions.nll[to] = row.log_mass + below_top;
    predictions.entropy[to] = static_cast<float>(row.entropy);
    predictions.margin[to] = static_cast<float>(row.first - row.second);
    predictions.max_probability[to] = static_cast<float>(row.first);
    predictions.top1[to] = row.most_likely == targets[n];
  }
}

void LogitBlock::predict_on_device(const at::Tensor& targets_N, int64_t first,
                                   Predictions& predictions) const {
  const at::Tensor scores_CN = score_rows(logits_NV_, targets_N).cpu();
  const auto scores = scores_CN.accessor<double, 2>();
  for (int64_t n = 0; n < scores.size(1); ++n) {
    const auto to = static_cast<size_t>(first + n);
    predictions.nll[to] = scores[0][n];
    predictions.entropy[to] = static_cast<float>(scores[1][n]);
    predictions.margin[to] = static_cast<float>(scores[2][n]);
    predictions.max_probability[to] = static_cast<float>(scores[3][n]);
    predictions.top1[to] = scores[4][n] != 0;
  }
}

SignalValues LogitBlock::compare(const LogitBlock& before, const LogitBlock& early) const {
  return on_host() ? compare_on_host(before, early) : compare_on_device(before, early);
}

SignalValues LogitBlock::compare_on_host(const LogitBlock& before, const LogitBlock& early) const {
  const auto [divergence, variation] = ops::compare_rows(table(), before.table(), early.table());
  const auto &now = rows_, &then = before.rows_;
  return {{Signal::kMaxProbability, each(now, [&](size_t n) { return now[n].first; })},
          {Signal::kDivergence, {divergence.begin(), divergence.end()}},
          {Signal::kEntropyChange,
           each(now, [&](size_t n) { return now[n].entropy - then[n].entropy; })},
          {Signal::kFlip,
           each(now, [&](size_t n) { return now[n].most_likely != then[n].most_likely; })},
          {Signal::kEarlyDisagreement, {variation.begin(), variation.end()}}};
}

SignalValues LogitBlock::compare_on_device(const LogitBlock& before,
                                           const LogitBlock& early) const {
  const at::Tensor compared_CN =
      compare_rows(logits_NV_, before.logits_NV_, early.logits_NV_).to(at::kFloat).cpu();
  const auto row = [&](int64_t index) {
    const float* first = compared_CN.const_data_ptr<float>() + index * compared_CN.size(1);
    return std::vector<float>(first, first + compared_CN.size(1));
  };
  return {{Signal::kMaxProbability, row(0)},
          {Signal::kDivergence, row(1)},
          {Signal::kEntropyChange, row(2)},
          {Signal::kFlip, row(3)},
          {Signal::kEarlyDisagreement, row(4)}};
}

/// On the host a megabyte; 64 to 1024 rows at vocabulary 1024 measured alike, and fewer blocks keep
/// threads from waiting for one another. It does not depend on their number: products of other
/// numbers of rows may round otherwise.
int64_t rows_of_block(const Network& network, at::Device device) {
  const int64_t logits = int64_t{1} << (device.is_cpu() ? 18 : 20);
  return std::max<int64_t>(64, logits / network.options().vocab);
}

Predictions blank_predictions(int64_t rows) {
  const auto size = static_cast<size_t>(rows);
  return {std::vector<double>(size), std::vector<float>(size), std::vector<float>(size),
          std::vector<float>(size), std::vector<uint8_t>(size)};
}

at::Tensor targets_beside(const at::Tensor& there, const at::Tensor& targets_N) {
  return moved_to(there.device(), targets_N).contiguous();
}

}  // namespace reprise
