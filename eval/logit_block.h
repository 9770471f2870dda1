// Logits of a few rows: as many as stay in a core's cache while everything is read off them.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "eval/predictions.h"
#include "eval/signals.h"
#include "models/ops/predictions.h"

namespace reprise {

/// logits_NV fp32 on any device; on the host also each row as a distribution.
class LogitBlock {
 public:
  explicit LogitBlock(const at::Tensor& logits_NV);

  /// Writes this block's rows of `predictions`, from `first` on. targets_N beside the logits.
  void predict(const at::Tensor& targets_N, int64_t first, Predictions& predictions) const;
  /// What prediction_signals() gives.
  SignalValues compare(const LogitBlock& before, const LogitBlock& early) const;

 private:
  bool on_host() const { return logits_NV_.is_cpu(); }
  ops::PredictedTable table() const { return {logits_NV_, rows_}; }
  void predict_on_host(const at::Tensor& targets_N, int64_t first, Predictions&) const;
  void predict_on_device(const at::Tensor& targets_N, int64_t first, Predictions&) const;
  SignalValues compare_on_host(const LogitBlock& before, const LogitBlock& early) const;
  SignalValues compare_on_device(const LogitBlock& before, const LogitBlock& early) const;

  at::Tensor logits_NV_;
  std::vector<ops::RowPrediction> rows_;
};

/// Rows of a block of this network's logits, on `device`.
int64_t rows_of_block(const Network& network, at::Device device);

/// Not yet predicted.
Predictions blank_predictions(int64_t rows);

/// The targets where `there` lies, contiguous.
at::Tensor targets_beside(const at::Tensor& there, const at::Tensor& targets_N);

}  // namespace reprise
