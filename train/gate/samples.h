// What a frozen model says of the tokens of some sequences: all that a gate head reads, and all
// that its labels are made of.
//
// What the head may read depends on a position's own and earlier tokens alone: the readout of the
// gate's pass, and three numbers of its prediction. The target reaches the nats and `wrong` only,
// from which labels are made, never the head's inputs.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "models/gate_head.h"

namespace reprise {

/// fp32, on one device.
struct GateSamples {
  at::Tensor state_BTD;    ///< the readout (coda, final norm); undefined where the head reads none
  at::Tensor signals_BTS;  ///< S = kGateSignals
  at::Tensor first_BT;     ///< L1: nats after the gate's pass
  at::Tensor second_BT;    ///< L2: nats after the refinement pass
  at::Tensor best_BT;      ///< the least of L2 and the nats of later base passes
  at::Tensor wrong_BT;  ///< 1 where the most likely token after the gate's pass is not the target
  int64_t first_sequence = 0;  ///< of these, in the batch of all ranks

  at::Tensor inputs_of(const HeadOptions& head) const {
    return gate_inputs(head, state_BTD, signals_BTS);
  }
};

/// Sequences [first, first + count) of a batch of all ranks.
using SampleSource = std::function<GateSamples(int64_t batch, int64_t first, int64_t count)>;

}  // namespace reprise
