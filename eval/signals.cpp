#include "eval/signals.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/stopwatch.h"
#include "eval/logit_block.h"
#include "models/device.h"
#include "models/ops/steps.h"

namespace reprise {
namespace {

std::vector<float> values_of(const at::Tensor& values_N) {
  const at::Tensor host = values_N.to(at::kCPU, at::kFloat).contiguous();
  return {host.const_data_ptr<float>(), host.const_data_ptr<float>() + host.numel()};
}

void append(SignalValues& all, const SignalValues& more) {
  for (const auto& [signal, values] : more) {
    std::vector<float>& of = all[signal];
    of.insert(of.end(), values.begin(), values.end());
  }
}

}  // namespace

SignalValues state_signals(const at::Tensor& before_last_ND, const at::Tensor& before_ND,
                           const at::Tensor& coarse_ND) {
  const ops::Steps steps = ops::compare_states(before_last_ND, before_ND, coarse_ND);
  return {{Signal::kResidual, values_of(steps.residual_N)},
          {Signal::kCosine, values_of(steps.cosine_N)},
          {Signal::kSecondOrder, values_of(steps.second_order_N)}};
}

SignalValues states_of(const BasePasses& base, const at::Tensor& rows_N) {
  const at::Tensor rows = moved_to(base.embedded_BTD.device(), rows_N);
  const auto state = [&](size_t step) { return base.trail[step].hidden_MD.index_select(0, rows); };
  return state_signals(state(0), state(1), state(2));
}

SignalValues prediction_signals(const at::Tensor& coarse_NV, const at::Tensor& before_NV,
                                const at::Tensor& early_NV) {
  return LogitBlock(coarse_NV).compare(LogitBlock(before_NV), LogitBlock(early_NV));
}

SignalValues signals_of(const Network& network, const BasePasses& base, const at::Tensor& rows_N) {
  return observe(network, base, rows_N, at::zeros_like(rows_N)).signals;
}

Observed observe(const Network& network, const BasePasses& base, const at::Tensor& rows_N,
                 const at::Tensor& targets_N) {
  const at::Tensor rows = moved_to(base.embedded_BTD.device(), rows_N);
  const auto picked = [&](const at::Tensor& of_BTD) {
    return of_BTD.view({-1, of_BTD.size(-1)}).index_select(0, rows);
  };
  const at::Tensor coarse_ND = picked(base.features_BTD);
  const at::Tensor targets = targets_beside(coarse_ND, targets_N);
  Observed observed{blank_predictions(rows.numel()), {}, 0};

  const Stopwatch readouts_watch;
  observed.signals = states_of(base, rows_N);
  const at::Tensor before_ND = picked(network.readout_before(base)),
                   early_ND = picked(network.early_readout_before(base));
  observed.signals_s = readouts_watch.seconds();

  SignalValues compared;
  const int64_t of_block = rows_of_block(network, coarse_ND.device());
  for (int64_t first = 0; first < rows.numel(); first += of_block) {
    const int64_t last = std::min(first + of_block, rows.numel());
    const auto block_of = [&](const at::Tensor& features_ND) {
      return LogitBlock(network.logits(features_ND.slice(0, first, last)));
    };
    const LogitBlock coarse = block_of(coarse_ND);
    coarse.predict(targets.slice(0, first, last), first, observed.predictions);
    const Stopwatch comparison_watch;
    append(compared, coarse.compare(block_of(before_ND), block_of(early_ND)));
    observed.signals_s += comparison_watch.seconds();
  }
  observed.signals.merge(std::move(compared));
  return observed;
}

}  // namespace reprise
