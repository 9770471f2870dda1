#include "eval/signal_reader.h"

#include <algorithm>

#include "base/error.h"
#include "base/stopwatch.h"
#include "eval/refinement_run.h"

namespace reprise {

bool known_after_any_pass(Signal signal) {
  return signal == Signal::kEntropy || signal == Signal::kMargin ||
         signal == Signal::kMaxProbability || signal == Signal::kHead ||
         signal == Signal::kPosition;
}

namespace {

bool compares_states(Signal signal) {
  return signal == Signal::kResidual || signal == Signal::kCosine || signal == Signal::kSecondOrder;
}

}  // namespace

bool known_before_readout(Signal signal) {
  return compares_states(signal) || signal == Signal::kPosition;
}

SignalReader::SignalReader(const Network& network, std::shared_ptr<const StoredHead> head,
                           const std::vector<Signal>& terms, bool every_signal)
    : network_(network),
      head_(std::move(head)),
      reads_states_(every_signal || std::ranges::any_of(terms, compares_states)),
      reads_earlier_(every_signal || !std::ranges::all_of(terms, [](Signal term) {
                       return known_after_any_pass(term) || compares_states(term);
                     })) {
  require(head_ || std::ranges::find(terms, Signal::kHead) == terms.end(), ExitCode::kUsage,
          "the gate looks at a head, and the artifact stores none; pack it with --pack.gate");
}

SignalValues SignalReader::of_readouts(const at::Tensor& features_ND,
                                       const Predictions& predictions) const {
  SignalValues signals{{Signal::kMaxProbability, predictions.max_probability}};
  if (head_)
    signals[Signal::kHead] = head_->scores(features_ND, predictions, network_.options().vocab);
  return signals;
}

Observed SignalReader::of_base(const BasePasses& base, const at::Tensor& rows_N,
                               const at::Tensor& targets_N) const {
  const at::Tensor features_ND = readouts_at(base.features_BTD, rows_N);
  Observed seen = reads_earlier_ ? observe(network_, base, rows_N, targets_N)
                                 : Observed{predict(network_, features_ND, targets_N), {}, 0};
  const Stopwatch watch;
  if (reads_states_ && !reads_earlier_) seen.signals = states_of(base, rows_N);
  seen.signals.merge(of_readouts(features_ND, seen.predictions));
  seen.signals_s += watch.seconds();
  return seen;
}

double SignalReader::flops(const PassFlops& passes, const PassWork& work) const {
  const double earlier = reads_earlier_ ? passes.readout(work) + passes.head(work) : 0;
  return earlier + (head_ ? head_->flops() * work.readouts : 0);
}

}  // namespace reprise
