// The signals of a network's predictions that gates look at, or traces hold: gathered from
// predictions, from the artifact's head, and from the states between the base passes.
#pragma once

#include <memory>
#include <vector>

#include "eval/predictions.h"
#include "eval/signals.h"
#include "eval/stored_head.h"
#include "models/cost/flops.h"

namespace reprise {

class SignalReader {
 public:
  /// Of what gates look at (`terms`), or of every signal. `network` outlives this; `head` is null
  /// where the artifact has none. Throws kUsage where a gate looks at one that is not there.
  SignalReader(const Network& network, std::shared_ptr<const StoredHead> head,
               const std::vector<Signal>& terms, bool every_signal);

  /// Whether base passes have to keep their trail.
  bool reads_trail() const { return reads_states_ || reads_earlier_; }
  bool reads_states() const { return reads_states_; }    ///< kResidual, kCosine, kSecondOrder
  bool reads_earlier() const { return reads_earlier_; }  ///< what compares with earlier readouts
  /// Of rows of the base passes: their predictions, and all that is recorded or looked at.
  Observed of_base(const BasePasses& base, const at::Tensor& rows_N,
                   const at::Tensor& targets_N) const;
  /// Of readouts of any pass, [N, D]: those that need no more.
  SignalValues of_readouts(const at::Tensor& features_ND, const Predictions& predictions) const;
  /// What of_base() took beside the predictions: an earlier state's readout, through the coda and
  /// without it, and the gate's head.
  double flops(const PassFlops& passes, const PassWork& work) const;

  bool has_head() const { return head_ != nullptr; }

 private:
  const Network& network_;
  std::shared_ptr<const StoredHead> head_;
  bool reads_states_, reads_earlier_;
};

/// Whether a prediction has the signal after any pass, not of the base passes alone.
bool known_after_any_pass(Signal signal);
/// Whether it is known before the coda has run.
bool known_before_readout(Signal signal);

}  // namespace reprise
