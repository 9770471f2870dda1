#include "train/gate/ranking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace reprise {
namespace {

TEST(RocAuc, IsTheShareOfPairsInTheRightOrderTiesHalf) {
  const std::vector<float> scores{4, 3, 3, 1};
  EXPECT_EQ(roc_auc(scores, std::vector<uint8_t>{1, 1, 0, 0}), (1 + 1 + 0.5 + 1) / 4);
  EXPECT_EQ(roc_auc(scores, std::vector<uint8_t>{0, 0, 1, 1}), (0 + 0 + 0.5 + 0) / 4);
  EXPECT_EQ(roc_auc(std::vector<float>(4, 7), std::vector<uint8_t>{0, 1, 1, 0}), 0.5);
}

TEST(RocAuc, IsNoneWithoutBothKinds) {
  EXPECT_EQ(roc_auc(std::vector<float>{1, 2}, std::vector<uint8_t>{1, 1}), std::nullopt);
  EXPECT_EQ(roc_auc(std::vector<float>{1, 2}, std::vector<uint8_t>{0, 0}), std::nullopt);
  EXPECT_EQ(roc_auc({}, {}), std::nullopt);
}

TEST(PickRows, CountsHitsAndGainsAmongTheLargestScores) {
  const RankedRows rows{{0.1F, 0.9F, 0.8F, 0.2F, 0.3F}, {1, 2, -1, 0, 3}, {1, 1, 0, 0, 1}};
  const PickedRows two = pick_rows(rows, rows.scores, 0.4);
  EXPECT_EQ(two.picked, 2);
  EXPECT_EQ(two.precision, 0.5);
  EXPECT_EQ(two.recall, 1.0 / 3);
  EXPECT_EQ(two.gain_nats, (2.0 - 1) / 5);
  EXPECT_EQ(pick_rows(rows, rows.scores, 1).gain_nats, 1);
  EXPECT_EQ(pick_rows(rows, rows.gains_nats, 0.4).gain_nats, 1);  // the oracle: 3 and 2
}

TEST(PickRows, RowsThatTieCountByTheShareThatFitsIn) {
  const RankedRows rows{{5, 1, 1, 1, 1}, {0, 4, 0, 0, 0}, {0, 1, 1, 0, 0}};
  const PickedRows three = pick_rows(rows, rows.scores, 0.6);  // the first, and two of four
  EXPECT_EQ(three.picked, 3);
  EXPECT_EQ(three.precision, 1.0 / 3);
  EXPECT_EQ(three.recall, 0.5);
  EXPECT_EQ(three.gain_nats, 2.0 / 5);
}

TEST(PickRows, NothingPickedHasNoPrecision) {
  const RankedRows rows{{1, 2}, {1, 1}, {0, 0}};
  const PickedRows none = pick_rows(rows, rows.scores, 0.1);
  EXPECT_EQ(none.precision, std::nullopt);
  EXPECT_EQ(none.recall, std::nullopt);
  EXPECT_EQ(none.gain_nats, 0);
}

TEST(Ranking, DoesNotDependOnTheOrderOfRows) {
  RankedRows rows;
  const RandomStream random(3, Purpose::kTest);
  for (uint64_t i = 0; i < 500; ++i) {
    rows.scores.push_back(static_cast<float>(random.below(3 * i, 20)));
    rows.gains_nats.push_back(static_cast<float>(random.normal(3 * i + 1)));
    rows.labels.push_back(random.below(3 * i + 2, 2) == 1);
  }
  RankedRows other = rows;
  std::ranges::reverse(other.scores);
  std::ranges::reverse(other.gains_nats);
  std::ranges::reverse(other.labels);
  EXPECT_EQ(roc_auc(rows.scores, rows.labels), roc_auc(other.scores, other.labels));
  for (const double share : {0.05, 0.3, 1.0})
    EXPECT_EQ(pick_rows(rows, rows.scores, share).gain_nats,
              pick_rows(other, other.scores, share).gain_nats);
}

}  // namespace
}  // namespace reprise
