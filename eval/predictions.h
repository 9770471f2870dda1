// What a distribution over the vocabulary says about its target: the one place where a logit
// becomes a score.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "models/network.h"

namespace reprise {

/// One entry per row. From fp32 logits; differences, sums and logarithms are fp64, the exponentials
/// alone fp32. So the log-likelihood is within 5e-8 nats of one computed in fp64 throughout, errors
/// of both signs, and entropy within that and its rounding to fp32.
struct Predictions {
  std::vector<double> nll;             ///< nats of the target
  std::vector<float> entropy, margin;  ///< nats; probability of the first minus the second token
  std::vector<float> max_probability;  ///< of the first token
  std::vector<uint8_t> top1;  ///< 1 where the most likely token (lowest id of equals) is the target
};

/// logits_NV fp32 on any device, targets_N int64 there or on the host. The target reaches `nll` and
/// `top1` only.
Predictions predict(const at::Tensor& logits_NV, const at::Tensor& targets_N);

/// The same from readouts, [N, D], without holding more than a block of logits: as many as stay in
/// a core's cache.
Predictions predict(const Network& network, const at::Tensor& features_ND,
                    const at::Tensor& targets_N);

}  // namespace reprise
