// Controls: each by hand on one document, counts on drawn ones, and that all refine as many as the
// gate.
#include "eval/curves/controls.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "tests/eval/curves/made_split.h"

namespace reprise {
namespace {

using testing::ElementsAre;
using Flags = std::vector<uint8_t>;

/// Two documents of four and two tokens. Gains: 1, 0, -1, 3; 2, -4.
ScoredSplit by_hand() {
  ScoredSplit split = make_split({{{1, 2, 1, 2}, {4, 3, 2, 1}, {5, 6, 4, 3}, {4, 6, 5, 0}},
                                  {{1, 2}, {6, 5}, {2, 9}, {0, 13}}});
  add_static_signals(count_reads(split), split);
  return split;
}

class Controlled : public testing::Test {
 protected:
  void choose(Flags refined) { picked_ = picked_of(std::move(refined)); }
  Flags pick(Control control) const { return controls_.pick(control, picked_, inverted_); }
  SavedNats saved(Control control) const {
    return controls_.saved(picked_, inverted_)[static_cast<size_t>(control)];
  }

  const ScoredSplit split_ = by_hand();
  const Controls controls_{split_, count_reads(split_), 3};
  const std::vector<uint32_t> inverted_ =
      rank_by(split_.signals.at(Signal::kEntropy), First::kLeast, controls_.random());
  Picked picked_;
};

TEST_F(Controlled, InvertedTakesTheLeastScores) {
  choose({1, 0, 0, 0, 1, 0});
  EXPECT_THAT(pick(Control::kInverted), ElementsAre(0, 0, 1, 1, 0, 0));
  EXPECT_THAT(saved(Control::kInverted), ElementsAre(2, 0));
}

TEST_F(Controlled, OraclesTakeTheLargestLossAndGain) {
  choose({1, 0, 0, 0, 1, 0});
  EXPECT_THAT(pick(Control::kOracleLoss), ElementsAre(0, 1, 0, 0, 0, 1));
  EXPECT_THAT(saved(Control::kOracleLoss), ElementsAre(0, -4));
  EXPECT_THAT(pick(Control::kOracleGain), ElementsAre(0, 0, 0, 1, 1, 0));
  EXPECT_THAT(saved(Control::kOracleGain), ElementsAre(3, 2));
}

TEST_F(Controlled, TokenTakesTheLargestMeanGainOfWhatWasRead) {
  // Read: nothing 1, 2; 1: 0 and 3; 2: -1; 1: -4. Means: nothing 1.5, 2: -1, 1: -1/3, shrunk.
  choose({0, 0, 0, 1, 1, 0});
  EXPECT_THAT(pick(Control::kToken), ElementsAre(1, 0, 0, 0, 1, 0));
}

TEST_F(Controlled, UniformIsTheShareOfAll) {
  choose({1, 1, 1, 0, 0, 0});
  EXPECT_THAT(saved(Control::kUniform), ElementsAre(1.5, -1));
}

TEST_F(Controlled, ShuffledPassesTakeTheLargestOfTossedGains) {
  choose({1, 1, 1, 0, 0, 0});
  std::vector<double> tossed;
  for (size_t i = 0; i < 6; ++i)
    tossed.push_back(controls_.random().coin[i] ? -split_.gain[i] : split_.gain[i]);
  std::ranges::sort(tossed, std::greater{});
  const auto null = saved(Control::kShuffledPass);
  EXPECT_DOUBLE_EQ(null[0] + null[1], tossed[0] + tossed[1] + tossed[2]);
}

TEST_F(Controlled, EverythingAndNothingAreTheSameWhoeverPicks) {
  for (const uint8_t flag : {uint8_t{0}, uint8_t{1}}) {
    choose(Flags(6, flag));
    for (const auto& [control, name] : EnumNames<Control>::names)
      if (control != Control::kUniform && control != Control::kShuffledPass) {
        EXPECT_EQ(pick(control), Flags(6, flag)) << name;
      }
    EXPECT_THAT(saved(Control::kUniform), ElementsAre(flag * 3, flag * -2));
  }
}

TEST(Controls, RefineAsManyAsTheGateWhereTheySaySo) {
  ScoredSplit split = draw_split(2, 40, 0.1);
  const ReadStatistics reads = count_reads(split);
  add_static_signals(reads, split);
  const Controls controls(split, reads, 9);
  const auto& entropy = split.signals.at(Signal::kEntropy);
  const auto inverted = rank_by(entropy, First::kLeast, controls.random());
  const auto bins = bins_of(reads, split);
  for (const float threshold : {1.9f, 1.0f, 0.2f}) {
    Flags refined;
    for (size_t i = 0; i < split.size(); ++i)
      refined.push_back(entropy[i] + (split.read[i] % 2) > threshold);
    const Picked picked = picked_of(refined);
    const auto count_by = [&](const Flags& flags, const auto& group) {
      std::map<uint32_t, int64_t> counts;
      for (size_t i = 0; i < flags.size(); ++i) counts[group[i]] += flags[i];
      return counts;
    };
    for (const auto& [control, name] : EnumNames<Control>::names)
      if (control != Control::kUniform && control != Control::kShuffledPass) {
        const Flags flags = controls.pick(control, picked, inverted);
        EXPECT_EQ(std::accumulate(flags.begin(), flags.end(), int64_t{0}), picked.count) << name;
        EXPECT_NE(flags, refined) << name;
      }
    const Flags matched = controls.pick(Control::kMatched, picked, inverted);
    EXPECT_EQ(count_by(matched, bins), count_by(refined, bins));
    const Flags shuffled = controls.pick(Control::kShuffled, picked, inverted);
    EXPECT_EQ(count_by(shuffled, split.document), count_by(refined, split.document));
  }
}

}  // namespace
}  // namespace reprise
