// Statistics by the token read, over the valid split: what gates that ignore the model's state go
// by, and the bins of the matched control.
#pragma once

#include <cstdint>
#include <vector>

#include "eval/curves/split.h"

namespace reprise {

/// As many predictions of the mean gain are added to every token's own: one that was read once
/// hardly leaves the mean. A round number chosen beforehand, fitted to nothing.
inline constexpr double kShrinkage = 20;

/// Of the reads' frequency, each with about as many of the valid split's predictions.
inline constexpr uint8_t kFrequencyBins = 8;

/// Indexed by the token read; kNothingRead is the last.
struct ReadStatistics {
  std::vector<float> gain;             ///< nats: (sum + kShrinkage * mean) / (count + kShrinkage)
  std::vector<float> share;            ///< of the valid split's predictions
  std::vector<uint8_t> frequency_bin;  ///< 0 rarest; tokens never read are there
};

ReadStatistics count_reads(const ScoredSplit& valid);

/// Adds the signals token, frequency and position: of the token read, by tables of the valid split.
void add_static_signals(const ReadStatistics& reads, ScoredSplit& split);

/// Bin of every prediction: frequency bin of the token read x log2 of its position. Below
/// bin_count().
std::vector<uint16_t> bins_of(const ReadStatistics& reads, const ScoredSplit& split);
size_t bin_count();

}  // namespace reprise
