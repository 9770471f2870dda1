// What is fitted to one state of a model on the valid split: temperatures, and a readout.
//
// The readout is vector scaling (Guo et al., "On calibration of modern neural networks", ICML 2017,
// section 4.2) with one scale for the whole vocabulary, logits s · z + b, and a normal prior on the
// biases: without one it learns the sample's chance by heart and spoils what it should better. The
// objective, mean nats + |b|² / (2 prior² tokens), is convex. From the best single scale and b = 0
// it takes so many full passes of Adam (Kingma & Ba, arXiv:1412.6980) with a step that falls to 0
// as a cosine, and keeps the best of what it has seen: so it is never worse than the temperature
// where it was fitted, and a readout that cannot be bettered stays as it is. Every state gets the
// same steps and prior.
#pragma once

#include "eval/alternatives/fit_sample.h"
#include "eval/alternatives/mixture.h"

namespace reprise {

/// A fit, and its mean nats over the sample before and after.
struct FittedChange {
  ReadoutChange change;
  double nats_before = 0, nats_after = 0;
};

struct ReadoutFit {
  int64_t steps = 40;
  double prior_nats = 0.1;  ///< deviation of a bias
};

struct FittedState {
  FittedChange temperature;  ///< one for all positions
  FittedChange by_gate;      ///< one for those that the gate picks, one for the others
  FittedChange readout;
  int64_t best_step = 0;  ///< of the readout; the last where its objective fell throughout
};

/// Both collective; the same bits on any number of ranks. Throw kBadInput where the nats are not
/// finite.
FittedState fit_state(const FitSample& sample, size_t state, const ReadoutFit& options);
/// Mean nats a prediction as the network reads it out.
double mean_nats(const FitSample& sample, size_t state);

}  // namespace reprise
