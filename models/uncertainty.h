// How uncertain predictions are, and which are so most.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace reprise {

/// Entropy in nats of softmax(logits) over the last dimension; fp32 in, fp32 out.
at::Tensor entropy_nats(const at::Tensor& logits);

/// round(fraction * length): what is refined of a sequence.
int64_t rows_to_refine(double fraction, int64_t length);

/// The positions of largest entropy, rows_to_refine(fraction, T) of each sequence, as ascending
/// rows b * T + t. NON-CAUSAL: whether a position is picked depends on later ones, so this serves
/// training and calibration only; evaluation refines above a fixed threshold. Per sequence and not
/// per batch, so that the choice does not depend on the number of ranks.
at::Tensor pick_most_uncertain(const at::Tensor& entropy_BT, double fraction);

}  // namespace reprise
