// From logits to the nats of a target, for one prediction and for several mixed. Logits are fp64
// and lie where the network computes; whatever is done to them, a row remains a normalised
// distribution over the vocabulary that no target was looked at for.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace reprise {

/// What was fitted to a readout: logits become scale · logits + bias.
struct ReadoutChange {
  double scale = 1;         ///< 1 / temperature
  double scale_picked = 1;  ///< of the positions that the gate picks; else the same
  at::Tensor bias_V;        ///< fp64; undefined: none
};

/// `picked`: one entry a row; empty where scale_picked is not needed.
at::Tensor changed(const at::Tensor& logits_NV, const ReadoutChange& change,
                   std::span<const uint8_t> picked);

/// Of each row's target. targets_N int64, there or on the host.
std::vector<double> target_log_probabilities(const at::Tensor& logits_NV,
                                             const at::Tensor& targets_N);

/// Nats of the targets under the mean of the probabilities of several predictions of them, in the
/// order given: by prediction, by row. Of k equal ones those of one, to the last bit.
std::vector<double> mixture_nats(std::span<const std::vector<double>> log_probabilities);

}  // namespace reprise
