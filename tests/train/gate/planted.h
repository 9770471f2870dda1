// Samples without a model: tokens whose gain is planted in what the head reads, or is not.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <vector>

#include "base/random.h"
#include "train/gate/samples.h"

namespace reprise::test {

inline constexpr int64_t kPlantedWidth = 6, kPlantedLength = 32;

/// The gain in nats of a token whose state is `z`; `noise` is the token's own.
using PlantedGain = std::function<double(const double* z, double noise)>;

/// A pure function of (batch, sequence), so that it does not depend on the number of ranks. L1 is
/// 4 nats; the token is wrong where the gain exceeds 0.5.
inline SampleSource planted(const PlantedGain& gain) {
  return [gain](int64_t batch, int64_t first, int64_t count) {
    std::vector<double> states, gains;
    for (int64_t b = 0; b < count; ++b) {
      const RandomStream random(static_cast<uint64_t>(first + b), Purpose::kTest,
                                static_cast<uint32_t>(batch));
      uint64_t place = 0;
      for (int64_t t = 0; t < kPlantedLength; ++t) {
        for (int64_t d = 0; d < kPlantedWidth; ++d) states.push_back(random.normal(place++));
        gains.push_back(gain(&states[states.size() - kPlantedWidth], random.normal(place++)));
      }
    }
    const at::Tensor gain_BT = at::tensor(gains).to(at::kFloat).view({count, kPlantedLength});
    GateSamples samples;
    samples.state_BTD =
        at::tensor(states).to(at::kFloat).view({count, kPlantedLength, kPlantedWidth});
    samples.signals_BTS = samples.state_BTD.narrow(-1, 0, kGateSignals).sigmoid();
    samples.first_BT = at::full({count, kPlantedLength}, 4.0F);
    samples.second_BT = samples.first_BT - gain_BT;
    samples.best_BT = samples.second_BT - 0.05;
    samples.wrong_BT = gain_BT.gt(0.5).to(at::kFloat);
    samples.first_sequence = first;
    return samples;
  };
}

/// In one direction of the state: a linear head can tell.
inline double linear_gain(const double* z, double) { return 0.6 * z[1] - 0.3 * z[4] - 0.4; }
/// In a product of two: only a hidden layer can tell.
inline double product_gain(const double* z, double) { return z[0] * z[2]; }
/// In nothing the head reads.
inline double hidden_gain(const double*, double noise) { return noise; }

}  // namespace reprise::test
