#include "eval/signals.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "models/device.h"

namespace reprise {
namespace {

constexpr int64_t kRowsOfThree = 1024;  // three tables of logits are held: 12 MB at vocabulary 1024

std::vector<float> values_of(const at::Tensor& values_N) {
  const at::Tensor host = values_N.to(at::kCPU, at::kFloat).contiguous();
  return {host.const_data_ptr<float>(), host.const_data_ptr<float>() + host.numel()};
}

at::Tensor norms(const at::Tensor& x_ND) { return x_ND.norm(2, -1); }

/// A distribution, and its logarithm.
struct Prediction {
  explicit Prediction(const at::Tensor& logits_NV)
      : logs_NV(logits_NV.log_softmax(-1)), shares_NV(logs_NV.exp()) {}
  at::Tensor entropy_N() const { return -(shares_NV * logs_NV).sum(-1); }

  at::Tensor logs_NV, shares_NV;
};

void append(SignalValues& all, const SignalValues& more) {
  for (const auto& [signal, values] : more) {
    std::vector<float>& of = all[signal];
    of.insert(of.end(), values.begin(), values.end());
  }
}

}  // namespace

SignalValues state_signals(const at::Tensor& before_last_ND, const at::Tensor& before_ND,
                           const at::Tensor& coarse_ND) {
  const at::Tensor oldest = before_last_ND.to(at::kFloat), before = before_ND.to(at::kFloat),
                   coarse = coarse_ND.to(at::kFloat);
  const at::Tensor step_ND = coarse - before, norm_N = norms(coarse);
  return {{Signal::kResidual, values_of(norms(step_ND) / norm_N)},
          {Signal::kCosine, values_of((coarse * before).sum(-1) / (norm_N * norms(before)))},
          {Signal::kSecondOrder, values_of(norms(step_ND - (before - oldest)) / norm_N)}};
}

SignalValues prediction_signals(const at::Tensor& coarse_NV, const at::Tensor& before_NV,
                                const at::Tensor& early_NV) {
  const Prediction coarse(coarse_NV), before(before_NV), early(early_NV);
  const at::Tensor divergence_N = (coarse.shares_NV * (coarse.logs_NV - before.logs_NV)).sum(-1);
  return {{Signal::kMaxProbability, values_of(coarse.shares_NV.amax(-1))},
          {Signal::kDivergence, values_of(divergence_N.clamp_min(0))},
          {Signal::kEntropyChange, values_of(coarse.entropy_N() - before.entropy_N())},
          {Signal::kFlip, values_of(coarse_NV.argmax(-1) != before_NV.argmax(-1))},
          {Signal::kEarlyDisagreement,
           values_of((coarse.shares_NV - early.shares_NV).abs().sum(-1) / 2)}};
}

SignalValues signals_of(const Network& network, const BasePasses& base, const at::Tensor& rows_N) {
  const at::Tensor rows = moved_to(base.embedded_BTD.device(), rows_N);
  const auto picked = [&](const at::Tensor& of_BTD) {
    return of_BTD.view({-1, of_BTD.size(-1)}).index_select(0, rows);
  };
  const auto state = [&](size_t step) { return picked(base.trail[step].hidden_MD); };
  SignalValues signals = state_signals(state(0), state(1), state(2));
  const at::Tensor coarse_ND = picked(base.features_BTD),
                   before_ND = picked(network.readout_before(base)),
                   early_ND = picked(network.early_readout_before(base));
  SignalValues predicted;
  for (int64_t first = 0; first < rows.numel(); first += kRowsOfThree) {
    const auto logits = [&](const at::Tensor& features_ND) {
      return network.logits(
          features_ND.slice(0, first, std::min(first + kRowsOfThree, rows.numel())));
    };
    append(predicted, prediction_signals(logits(coarse_ND), logits(before_ND), logits(early_ND)));
  }
  append(signals, predicted);
  return signals;
}

}  // namespace reprise
