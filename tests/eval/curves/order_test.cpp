// Orders: by hand, with ties and NaN; what chance draws is addressed by document and position.
#include "eval/curves/order.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <limits>
#include <set>

#include "tests/eval/curves/made_split.h"

namespace reprise {
namespace {

using testing::ElementsAre;

constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();
constexpr float kHuge = std::numeric_limits<float>::infinity();

ScoredSplit one_document(size_t tokens) {
  const std::vector<float> zeros(tokens, 0);
  return make_split({{std::vector<uint16_t>(tokens, 7), zeros, zeros, zeros}});
}

TEST(RankBy, PutsLargestOrLeastFirstAndNanBelowEveryNumber) {
  const RandomOrder random = draw_order(1, one_document(7));
  const std::vector<float> scores{-1, 2, kNotANumber, -9e30f, 0.5f, kHuge, -0.25f};
  EXPECT_THAT(rank_by(scores, First::kLargest, random), ElementsAre(4, 1, 6, 5, 2, 0, 3));
  EXPECT_THAT(rank_by(scores, First::kLeast, random), ElementsAre(2, 5, 0, 1, 4, 6, 3));
}

TEST(RankBy, LetsChanceDecideBetweenEqualOnes) {
  const RandomOrder random = draw_order(1, one_document(100));
  std::vector<float> scores(100, 1);
  scores[40] = 2;
  const auto rank = rank_by(scores, First::kLargest, random);
  EXPECT_EQ(rank[40], 0u);
  std::vector<uint32_t> others, drawn;
  for (size_t i = 0; i < 100; ++i)
    if (i != 40) others.push_back(rank[i]), drawn.push_back(random.rank[i]);
  EXPECT_FALSE(std::ranges::is_sorted(others));
  for (size_t i = 1; i < 99; ++i) EXPECT_EQ(others[i] < others[0], drawn[i] < drawn[0]);
  EXPECT_NE(rank, rank_by(scores, First::kLargest, draw_order(2, one_document(100))));
}

TEST(RankBy, TakesBothZerosForOne) {
  const RandomOrder random = draw_order(1, one_document(2));
  EXPECT_EQ(rank_by(std::vector<float>{0.0f, -0.0f}, First::kLargest, random), random.rank);
}

TEST(RankByLevel, JoinsTheTermsRanks) {
  const RandomOrder random = draw_order(1, one_document(4));
  const std::vector<std::vector<float>> terms{{4, 3, 2, 1}, {10, 40, 30, 20}};
  // Levels 1 2 3 4 and 4 1 2 3: jointly 4 2 3 4 for all, 1 1 2 3 for any.
  const auto all = rank_by_level(terms, Join::kAll, First::kLargest, random);
  EXPECT_EQ(all[1], 0u);
  EXPECT_EQ(all[2], 1u);
  const auto any = rank_by_level(terms, Join::kAny, First::kLeast, random);
  EXPECT_EQ(any[3], 0u);
  EXPECT_EQ(any[2], 1u);
}

TEST(RandomOrder, IsOfDocumentAndPositionNotOfThePlaceInTheSplit) {
  const ScoredSplit both = draw_split(0, 2, 0);
  ScoredSplit second = both;
  size_t first_tokens = 0;
  while (both.document[first_tokens] == 0) ++first_tokens;
  const auto cut = [&](auto& column) {
    column.erase(column.begin(), column.begin() + static_cast<ptrdiff_t>(first_tokens));
  };
  cut(second.gain), cut(second.position), cut(second.document);
  for (auto& document : second.document) document = 0;
  second.keys = {both.keys[1]};
  const RandomOrder whole = draw_order(3, both), part = draw_order(3, second);
  std::vector<uint32_t> expected;
  for (const uint32_t i : whole.order)
    if (i >= first_tokens) expected.push_back(i - static_cast<uint32_t>(first_tokens));
  EXPECT_EQ(part.order, expected);
  EXPECT_TRUE(std::equal(part.coin.begin(), part.coin.end(),
                         whole.coin.begin() + static_cast<ptrdiff_t>(first_tokens)));
}

TEST(RandomOrder, TossesAFairCoinIndependentOfIt) {
  const ScoredSplit split = draw_split(0, 200, 0);
  const RandomOrder random = draw_order(3, split);
  double heads = 0, early = 0;
  for (size_t i = 0; i < split.size(); ++i) {
    heads += random.coin[i];
    if (random.rank[i] < split.size() / 2) early += random.coin[i];
  }
  const auto count = static_cast<double>(split.size());
  EXPECT_NEAR(heads / count, 0.5, 0.02);
  EXPECT_NEAR(early / heads, 0.5, 0.02);
}

TEST(Shuffle, StaysWithinTheDocumentAndTakesEachOnce) {
  const ScoredSplit split = draw_split(0, 5, 0);
  const auto partner = shuffle_documents(split, draw_order(4, split));
  EXPECT_EQ(std::set<uint32_t>(partner.begin(), partner.end()).size(), split.size());
  size_t moved = 0;
  for (size_t i = 0; i < split.size(); ++i) {
    EXPECT_EQ(split.document[partner[i]], split.document[i]);
    moved += partner[i] != i;
  }
  EXPECT_GT(moved, split.size() * 9 / 10);
}

TEST(RankInBins, CountsEveryBinFromZero) {
  const std::vector<uint16_t> bins{0, 1, 0, 1, 0};
  const auto rank = rank_in_bins(bins, 2, draw_order(5, one_document(5)));
  EXPECT_THAT((std::vector{rank[0], rank[2], rank[4]}), testing::UnorderedElementsAre(0, 1, 2));
  EXPECT_THAT((std::vector{rank[1], rank[3]}), testing::UnorderedElementsAre(0, 1));
}

}  // namespace
}  // namespace reprise
