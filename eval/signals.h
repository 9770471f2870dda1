// The signals of gates/signal.h, computed: of the scored rows of a batch, from its base passes.
// No signal is given a target.
#pragma once

#include <map>
#include <vector>

#include "eval/gates/signal.h"
#include "eval/predictions.h"
#include "models/network.h"

namespace reprise {

/// One value for each scored row, by signal.
using SignalValues = std::map<Signal, std::vector<float>>;

/// What of the trail is compared, all [N, D] and of one type: kResidual, kCosine, kSecondOrder.
SignalValues state_signals(const at::Tensor& before_last_ND, const at::Tensor& before_ND,
                           const at::Tensor& coarse_ND);

/// The same of these rows, of base passes that kept their trail.
SignalValues states_of(const BasePasses& base, const at::Tensor& rows_N);

/// What of predictions is compared, logits fp32 [N, V]: kMaxProbability, kDivergence,
/// kEntropyChange, kFlip, kEarlyDisagreement.
SignalValues prediction_signals(const at::Tensor& coarse_NV, const at::Tensor& before_NV,
                                const at::Tensor& early_NV);

/// All of the above for these rows, of base passes that kept their trail.
SignalValues signals_of(const Network& network, const BasePasses& base, const at::Tensor& rows_N);

/// The same beside the predictions of those rows, in one walk that makes every logit once.
struct Observed {
  Predictions predictions;
  SignalValues signals;
  double signals_s = 0;  ///< seconds of what the predictions alone would not have taken
};
Observed observe(const Network& network, const BasePasses& base, const at::Tensor& rows_N,
                 const at::Tensor& targets_N);

}  // namespace reprise
