// Refinement from another place: noise on the state that a refinement pass begins with.
//
// A channel of a row becomes h + σ · rms(h) · ε, rms over the row's channels, ε normal. What layers
// hand to skips is part of the state. ε follows from (seed, trajectory, document, position,
// channel) alone: not from ranks, batches or windows, nor from σ, and the first trajectories of
// many are those of few.
#pragma once

#include "eval/batch.h"
#include "models/network.h"

namespace reprise {

/// ε of every row of the batch, on the host, fp32 [B * T, C], C being the channels of all streams
/// of the state; 0 where the batch is padded.
at::Tensor draw_noise(const ScoringBatch& batch, int64_t channels, uint64_t seed,
                      int64_t trajectory);

/// Channels of the coarse state.
int64_t state_channels(const BasePasses& base);

/// `base` with another coarse state. With σ = 0 its values are the same.
BasePasses disturb(const BasePasses& base, const at::Tensor& noise_MC, double sigma);

}  // namespace reprise
