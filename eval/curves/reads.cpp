#include "eval/curves/reads.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace reprise {
namespace {

constexpr size_t kReads = kNothingRead + 1;
constexpr size_t kPositionBins = 33;  ///< bit widths of 32-bit numbers

/// Rarest first, until a bin holds its share of the predictions; tokens of one count may be parted.
std::vector<uint8_t> bin_by_frequency(const std::vector<int64_t>& counts, int64_t total) {
  std::vector<size_t> order(counts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t token) { return counts[token]; });
  std::vector<uint8_t> bins(counts.size());
  int64_t before = 0;
  for (const size_t token : order) {
    // By the middle of its own predictions, so that a token more frequent than a bin has one alone.
    const int64_t middle = 2 * before + counts[token];
    bins[token] = static_cast<uint8_t>(std::min<int64_t>(
        kFrequencyBins - 1, middle * kFrequencyBins / std::max<int64_t>(1, 2 * total)));
    before += counts[token];
  }
  return bins;
}

}  // namespace

ReadStatistics count_reads(const ScoredSplit& valid) {
  std::vector<int64_t> counts(kReads, 0);
  std::vector<double> sums(kReads, 0);
  double sum = 0;
  for (size_t i = 0; i < valid.size(); ++i) {
    counts[valid.read[i]] += 1;
    sums[valid.read[i]] += valid.gain[i];
    sum += valid.gain[i];
  }
  const auto total = static_cast<double>(std::max<size_t>(1, valid.size()));
  ReadStatistics reads;
  for (size_t token = 0; token < kReads; ++token) {
    const auto count = static_cast<double>(counts[token]);
    reads.gain.push_back(
        static_cast<float>((sums[token] + kShrinkage * sum / total) / (count + kShrinkage)));
    reads.share.push_back(static_cast<float>(count / total));
  }
  reads.frequency_bin = bin_by_frequency(counts, static_cast<int64_t>(valid.size()));
  return reads;
}

void add_static_signals(const ReadStatistics& reads, ScoredSplit& split) {
  auto& token = split.signals[Signal::kToken];
  auto& frequency = split.signals[Signal::kFrequency];
  for (const uint32_t read : split.read) {
    token.push_back(reads.gain[read]);
    frequency.push_back(reads.share[read]);
  }
  split.signals[Signal::kPosition].assign(split.position.begin(), split.position.end());
}

std::vector<uint16_t> bins_of(const ReadStatistics& reads, const ScoredSplit& split) {
  std::vector<uint16_t> bins;
  bins.reserve(split.size());
  for (size_t i = 0; i < split.size(); ++i)
    bins.push_back(static_cast<uint16_t>(reads.frequency_bin[split.read[i]] * kPositionBins +
                                         static_cast<size_t>(std::bit_width(split.position[i]))));
  return bins;
}

size_t bin_count() { return kFrequencyBins * kPositionBins; }

}  // namespace reprise
