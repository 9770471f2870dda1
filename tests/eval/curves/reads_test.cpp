// Statistics by the token read: by hand, and bins of about equal mass.
#include "eval/curves/reads.h"

#include <gtest/gtest.h>

#include "tests/eval/curves/made_split.h"

namespace reprise {
namespace {

TEST(Reads, AreOfTheTokenBeforeAndShrunkToTheMean) {
  // Read: nothing (gain 1), 5 (gain 2), 5 (gain 3), 6 (gain -2). The mean is 1.
  const ScoredSplit split = make_split({{{5, 5, 6, 9}, {0, 0, 0, 0}, {4, 4, 4, 4}, {3, 2, 1, 6}}});
  const ReadStatistics reads = count_reads(split);
  EXPECT_FLOAT_EQ(reads.gain[kNothingRead], 1);
  EXPECT_FLOAT_EQ(reads.gain[5], static_cast<float>((5 + kShrinkage) / (2 + kShrinkage)));
  EXPECT_FLOAT_EQ(reads.gain[6], static_cast<float>((-2 + kShrinkage) / (1 + kShrinkage)));
  EXPECT_FLOAT_EQ(reads.gain[9], 1);  // predicted, never read
  EXPECT_FLOAT_EQ(reads.share[5], 0.5);
  EXPECT_FLOAT_EQ(reads.share[kNothingRead], 0.25);
  EXPECT_FLOAT_EQ(reads.share[9], 0);
}

TEST(Reads, BecomeSignals) {
  ScoredSplit split = make_split({{{5, 5, 6, 9}, {0, 0, 0, 0}, {4, 4, 4, 4}, {3, 2, 1, 6}}});
  const ReadStatistics reads = count_reads(split);
  add_static_signals(reads, split);
  EXPECT_EQ(split.signals.at(Signal::kPosition), (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(split.signals.at(Signal::kFrequency), (std::vector<float>{0.25, 0.5, 0.5, 0.25}));
  EXPECT_EQ(split.signals.at(Signal::kToken)[3], reads.gain[6]);
}

TEST(Bins, HoldAboutEqualSharesRarestFirst) {
  const ScoredSplit split = draw_split(1, 100, 0);
  const ReadStatistics reads = count_reads(split);
  std::vector<double> mass(kFrequencyBins, 0);
  for (size_t token = 0; token < reads.share.size(); ++token)
    mass[reads.frequency_bin[token]] += reads.share[token];
  for (const double share : mass) EXPECT_NEAR(share, 1.0 / kFrequencyBins, 0.03);
  for (size_t token = 0; token < 40; ++token)
    for (size_t other = 0; other < 40; ++other)
      if (reads.share[token] < reads.share[other]) {
        EXPECT_LE(reads.frequency_bin[token], reads.frequency_bin[other]);
      }
  EXPECT_EQ(reads.frequency_bin[12345], 0);
}

TEST(Bins, PartPositionsByPowersOfTwo) {
  const std::vector<float> zeros(9, 0);
  const ScoredSplit split = make_split({{std::vector<uint16_t>(9, 7), zeros, zeros, zeros}});
  const auto bins = bins_of(count_reads(split), split);
  EXPECT_NE(bins[0], bins[1]);  // read at 0 and at 1
  EXPECT_NE(bins[1], bins[2]);
  EXPECT_EQ(bins[2], bins[3]);
  EXPECT_NE(bins[3], bins[4]);
  EXPECT_EQ(bins[4], bins[7]);
  for (const auto bin : bins) EXPECT_LT(bin, bin_count());
}

}  // namespace
}  // namespace reprise
