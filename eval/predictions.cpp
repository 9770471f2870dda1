#include "eval/predictions.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <array>
#include <cmath>

#include "eval/device_predictions.h"
#include "models/device.h"

namespace reprise {
namespace {

constexpr int64_t kRowsAtOnce = 1024;  // logits held: 4 MB at vocabulary 1024
constexpr size_t kLanes = 8;  // independent partial sums, so that the loop runs in vector registers

using Lanes = std::array<double, kLanes>;

double total(const Lanes& lanes) {
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

/// One row: `shifted` are the logits minus their maximum, `weights` their exponentials.
class RowScorer {
 public:
  RowScorer(const float* shifted, const float* weights, int64_t vocab)
      : shifted_(shifted), weights_(weights), vocab_(static_cast<size_t>(vocab)) {
    Lanes mass{}, moment{};
    size_t v = 0;
    for (; v + kLanes <= vocab_; v += kLanes)
      for (size_t lane = 0; lane < kLanes; ++lane) add(v + lane, mass[lane], moment[lane]);
    for (; v < vocab_; ++v) add(v, mass[0], moment[0]);
    mass_ = total(mass);
    moment_ = total(moment);
    find_first_two();
  }

  double nll(int64_t target) const { return std::max(0.0, std::log(mass_) - shifted_[target]); }
  /// H = log Z - E[logit], both relative to the largest logit.
  double entropy() const { return std::max(0.0, std::log(mass_) - moment_ / mass_); }
  double margin() const { return (double{weights_[first_]} - second_weight_) / mass_; }
  double max_probability() const { return double{weights_[first_]} / mass_; }
  int64_t most_likely() const { return static_cast<int64_t>(first_); }

 private:
  void add(size_t v, double& mass, double& moment) const {
    mass += weights_[v];
    moment += double{weights_[v]} * shifted_[v];
  }

  void find_first_two() {
    float first_weight = -1;
    for (size_t v = 0; v < vocab_; ++v) {
      if (weights_[v] <= second_weight_) continue;
      if (weights_[v] > first_weight) {
        second_weight_ = first_weight;
        first_weight = weights_[v];
        first_ = v;
      } else {
        second_weight_ = weights_[v];
      }
    }
    if (second_weight_ < 0) second_weight_ = 0;  // a vocabulary of one
  }

  const float *shifted_, *weights_;
  size_t vocab_, first_ = 0;
  float second_weight_ = -1;
  double mass_ = 0, moment_ = 0;
};

void predict_rows_on_host(const at::Tensor& logits_NV, const at::Tensor& targets_N, int64_t offset,
                          Predictions& predictions) {
  const at::Tensor shifted_NV = (logits_NV - logits_NV.amax(-1, true)).contiguous();
  const at::Tensor weights_NV = shifted_NV.exp();
  const int64_t vocab = logits_NV.size(1);
  const float *shifted = shifted_NV.const_data_ptr<float>(),
              *weights = weights_NV.const_data_ptr<float>();
  const auto* targets = targets_N.const_data_ptr<int64_t>();
  at::parallel_for(0, logits_NV.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const RowScorer row(shifted + n * vocab, weights + n * vocab, vocab);
      const auto out = static_cast<size_t>(offset + n);
      predictions.nll[out] = row.nll(targets[n]);
      predictions.entropy[out] = static_cast<float>(row.entropy());
      predictions.margin[out] = static_cast<float>(row.margin());
      predictions.max_probability[out] = static_cast<float>(row.max_probability());
      predictions.top1[out] = row.most_likely() == targets[n];
    }
  });
}

void predict_rows_on_device(const at::Tensor& logits_NV, const at::Tensor& targets_N,
                            int64_t offset, Predictions& predictions) {
  const at::Tensor scores = score_rows(logits_NV, targets_N).cpu();
  const int64_t rows = logits_NV.size(0);
  const double* score = scores.const_data_ptr<double>();
  for (int64_t n = 0; n < rows; ++n) {
    const auto out = static_cast<size_t>(offset + n);
    predictions.nll[out] = score[n];
    predictions.entropy[out] = static_cast<float>(score[rows + n]);
    predictions.margin[out] = static_cast<float>(score[2 * rows + n]);
    predictions.top1[out] = score[3 * rows + n] != 0;
    predictions.max_probability[out] = static_cast<float>(score[4 * rows + n]);
  }
}

void predict_rows(const at::Tensor& logits_NV, const at::Tensor& targets_N, int64_t offset,
                  Predictions& predictions) {
  const auto run = logits_NV.is_cpu() ? predict_rows_on_host : predict_rows_on_device;
  run(logits_NV, targets_N, offset, predictions);
}

/// Where the logits lie, and in one piece.
at::Tensor beside(const at::Tensor& logits, const at::Tensor& targets_N) {
  return moved_to(logits.device(), targets_N).contiguous();
}

Predictions sized(int64_t rows) {
  const auto size = static_cast<size_t>(rows);
  return {std::vector<double>(size), std::vector<float>(size), std::vector<float>(size),
          std::vector<float>(size), std::vector<uint8_t>(size)};
}

}  // namespace

Predictions predict(const at::Tensor& logits_NV, const at::Tensor& targets_N) {
  Predictions predictions = sized(logits_NV.size(0));
  predict_rows(logits_NV, beside(logits_NV, targets_N), 0, predictions);
  return predictions;
}

Predictions predict(const Network& network, const at::Tensor& features_ND,
                    const at::Tensor& targets_N) {
  const int64_t rows = features_ND.size(0);
  const at::Tensor targets = beside(features_ND, targets_N);
  Predictions predictions = sized(rows);
  for (int64_t first = 0; first < rows; first += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, rows - first);
    predict_rows(network.logits(features_ND.narrow(0, first, count)),
                 targets.narrow(0, first, count), first, predictions);
  }
  return predictions;
}

}  // namespace reprise
