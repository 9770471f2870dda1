#include "eval/signal_reader.h"

#include <algorithm>

#include "base/error.h"
#include "eval/refinement_run.h"

namespace reprise {

bool known_after_any_pass(Signal signal) {
  return signal == Signal::kEntropy || signal == Signal::kMargin ||
         signal == Signal::kMaxProbability || signal == Signal::kHead ||
         signal == Signal::kPosition;
}

bool known_before_readout(Signal signal) {
  return signal == Signal::kResidual || signal == Signal::kCosine ||
         signal == Signal::kSecondOrder || signal == Signal::kPosition;
}

SignalReader::SignalReader(const Network& network, std::shared_ptr<const StoredHead> head,
                           const Gate& gate, bool every_signal)
    : network_(network),
      head_(std::move(head)),
      reads_trail_(every_signal || !std::ranges::all_of(gate.terms(), known_after_any_pass)) {
  for (const Signal term : gate.terms())
    require(term != Signal::kHead || head_, ExitCode::kUsage,
            "the gate looks at a head, and the artifact stores none; pack it with --pack.gate");
}

SignalValues SignalReader::of_readouts(const at::Tensor& features_ND,
                                       const Predictions& predictions) const {
  SignalValues signals{{Signal::kMaxProbability, predictions.max_probability}};
  if (head_)
    signals[Signal::kHead] = head_->scores(features_ND, predictions, network_.options().vocab);
  return signals;
}

SignalValues SignalReader::of_base(const BasePasses& base, const at::Tensor& rows_N,
                                   const Predictions& predictions) const {
  SignalValues signals = of_readouts(readouts_at(base.features_BTD, rows_N), predictions);
  if (reads_trail_) signals.merge(signals_of(network_, base, rows_N));
  return signals;
}

double SignalReader::flops(const PassFlops& passes, const PassWork& work) const {
  const double earlier = reads_trail_ ? passes.readout(work) + 2 * passes.head(work) : 0;
  return earlier + (head_ ? head_->flops() * work.readouts : 0);
}

}  // namespace reprise
