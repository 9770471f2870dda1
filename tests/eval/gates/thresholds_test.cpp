// Thresholds: by hand for one term and two, with ties and NaN; as an exhaustive search finds them;
// the thresholds refine the share they claim.
#include "eval/gates/thresholds.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/random.h"
#include "tests/eval/gates/special_numbers.h"

namespace reprise {
namespace {

using testing::ElementsAre;
using Scores = std::vector<float>;

std::vector<FittedThresholds> fit(const std::vector<Scores>& terms, Join join,
                                  const std::vector<double>& budgets) {
  const std::vector<std::span<const float>> spans(terms.begin(), terms.end());
  return fit_thresholds(spans, join, budgets);
}

double share_refined(const std::vector<Scores>& terms, Join join, const Scores& thresholds) {
  const std::vector<std::span<const float>> spans(terms.begin(), terms.end());
  const auto margins = joint_margins(spans, thresholds, join);
  size_t refined = 0;
  for (size_t i = 0; i < margins.size(); ++i) {
    Scores own;
    for (const auto& term : terms) own.push_back(term[i]);
    EXPECT_EQ(margins[i], joint_margin(own, thresholds, join));
    refined += margins[i] > 0;
  }
  return static_cast<double>(refined) / static_cast<double>(terms[0].size());
}

TEST(Thresholds, OfOneTermAreItsQuantiles) {
  const auto fitted = fit({{5, 1, 4, 2, 3}}, Join::kAll, {0, 0.2, 0.5, 0.6, 1});
  EXPECT_THAT(fitted[0].thresholds, ElementsAre(kInfinity));
  EXPECT_THAT(fitted[1].thresholds, ElementsAre(4));
  EXPECT_THAT(fitted[2].thresholds, ElementsAre(3));
  EXPECT_THAT(fitted[3].thresholds, ElementsAre(2));
  EXPECT_THAT(fitted[4].thresholds, ElementsAre(-kInfinity));
  EXPECT_EQ(fitted[0].share, 0);
  EXPECT_EQ(fitted[2].share, 0.4);
  EXPECT_EQ(fitted[4].share, 1);
}

TEST(Thresholds, NeverPartATie) {
  const auto fitted = fit({{2, 1, 2, 0, 2}}, Join::kAll, {0.4, 0.6, 0.7});
  EXPECT_EQ(fitted[0].share, 0);
  EXPECT_EQ(fitted[0].thresholds[0], 2);
  EXPECT_EQ(fitted[1].share, 0.6);
  EXPECT_EQ(fitted[2].share, 0.6);
  EXPECT_EQ(fitted[2].thresholds[0], 1);
}

TEST(Thresholds, ReachNanOnlyWhereEverythingIsRefined) {
  const auto fitted = fit({{kNan, 1, -kInfinity, 2}}, Join::kAll, {0.75, 1});
  EXPECT_EQ(fitted[0].share, 0.5);
  EXPECT_GT(fitted[0].thresholds[0], -kInfinity);
  EXPECT_LT(fitted[0].thresholds[0], 1);
  EXPECT_EQ(fitted[1].thresholds[0], -kInfinity);
  EXPECT_EQ(fit({{kNan, kNan}}, Join::kAll, {0.5})[0].share, 0);
}

TEST(Thresholds, OfSeveralTermsStandAtOneQuantile) {
  const std::vector<Scores> terms{{4, 3, 2, 1}, {10, 30, 20, 40}};
  // Levels 1 2 3 4 and 4 2 3 1: jointly 4 2 3 4 for all, 1 2 3 1 for any.
  const auto all = fit(terms, Join::kAll, {0.25, 0.5, 0.75});
  EXPECT_THAT(all[0].thresholds, ElementsAre(2, 20));
  EXPECT_THAT(all[1].thresholds, ElementsAre(1, 10));
  EXPECT_EQ(all[2].share, 0.5);
  const auto any = fit(terms, Join::kAny, {0.25, 0.5, 0.75});
  EXPECT_EQ(any[0].share, 0);
  EXPECT_THAT(any[1].thresholds, ElementsAre(3, 30));
  EXPECT_EQ(any[2].share, 0.75);
}

/// The most that any level refines without going above the budget, by trying them all.
double best_share(const std::vector<Scores>& terms, Join join, double budget) {
  double best = 0;
  std::vector<Scores> sorted = terms;
  for (auto& term : sorted) std::ranges::sort(term, std::greater{});
  for (size_t level = 0; level < terms[0].size(); ++level) {
    Scores thresholds;
    for (const auto& term : sorted) thresholds.push_back(term[level]);
    const double share = share_refined(terms, join, thresholds);
    if (share <= budget) best = std::max(best, share);
  }
  return best;
}

TEST(Thresholds, AreWhatTryingAllLevelsFinds) {
  for (uint32_t trial = 0; trial < 30; ++trial) {
    const RandomStream stream(11, Purpose::kTest, trial);
    std::vector<Scores> terms(1 + trial % 3);
    for (size_t t = 0; t < terms.size(); ++t)
      for (size_t i = 0; i < 60; ++i)  // few values, so that there are ties
        terms[t].push_back(static_cast<float>(stream.below(t * 60 + i, 4 + 20 * (trial % 2))));
    for (const Join join : {Join::kAll, Join::kAny})
      for (const auto& fitted : fit(terms, join, {0.05, 0.1, 0.3, 0.5, 0.9})) {
        EXPECT_LE(fitted.share, fitted.budget);
        EXPECT_EQ(fitted.share, share_refined(terms, join, fitted.thresholds));
        EXPECT_EQ(fitted.share, best_share(terms, join, fitted.budget));
      }
  }
}

TEST(Thresholds, RefuseNoScoresAndBudgetsBeyondAll) {
  EXPECT_THROW(fit({{}}, Join::kAll, {0.5}), Error);
  EXPECT_THROW(fit({{1, 2}}, Join::kAll, {1.5}), Error);
}

}  // namespace
}  // namespace reprise
