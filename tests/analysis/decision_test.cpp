// The four words, Holm, the two one-sided tests and the sample sizes, by hand.
#include "eval/stats/decision.h"

#include <gmock/gmock.h>

#include <cmath>

#include "eval/stats/multiplicity.h"

namespace reprise {
namespace {

constexpr double kManyDegrees = 1e9;  // Student's t is then the normal
constexpr DecisionRule kRule{ClaimKind::kImprovement, 1.0, 0.95};
constexpr DecisionRule kSame{ClaimKind::kNoDifference, 1.0, 0.95};

Decision decided(double estimate, double error, const DecisionRule& rule = kRule) {
  return decide(StudentDistribution(estimate, error, kManyDegrees), rule);
}

TEST(Decision, EveryWordOfAnImprovement) {
  EXPECT_EQ(decided(-3.0, 1.0).verdict, Verdict::kSupported);     // (−4.96, −1.04)
  EXPECT_EQ(decided(-2.9, 1.0).verdict, Verdict::kInconclusive);  // (−4.86, −0.94)
  EXPECT_EQ(decided(2.0, 1.0).verdict, Verdict::kFalsified);      // (0.04, 3.96): the other side
  EXPECT_EQ(decided(1.9, 1.0).verdict, Verdict::kInconclusive);   // (−0.06, 3.86)
  EXPECT_EQ(decided(-0.1, 0.4).verdict, Verdict::kFalsified);     // (−0.88, 0.68): inside
  EXPECT_EQ(decided(-0.5, 0.1).verdict,
            Verdict::kFalsified);  // an effect, but not worth the margin
  EXPECT_EQ(decided(-0.1, 0.5).verdict,
            Verdict::kEquivalent);  // (−1.08, 0.88), but at 90 % (−0.92, 0.72)
  EXPECT_EQ(decided(-0.1, 0.6).verdict, Verdict::kInconclusive);  // at 90 % (−1.09, 0.89)
}

TEST(Decision, EveryWordOfNoDifference) {
  EXPECT_EQ(decided(-0.1, 0.5, kSame).verdict, Verdict::kEquivalent);
  EXPECT_EQ(decided(-3.0, 1.0, kSame).verdict, Verdict::kFalsified);
  EXPECT_EQ(decided(3.0, 1.0, kSame).verdict, Verdict::kFalsified);
  EXPECT_EQ(decided(2.0, 1.0, kSame).verdict, Verdict::kInconclusive);
}

TEST(Decision, TestsByHand) {
  const Decision found = decided(-1.0, 0.5);
  EXPECT_NEAR(found.interval.low, -1.0 - 1.959963985 * 0.5, 1e-6);
  EXPECT_NEAR(found.p_beyond, 0.5, 1e-6);
  EXPECT_NEAR(found.p_tost, 0.5, 1e-6);
  // (margin − 0) / error = 1.644854 is the 95 % point of the normal.
  EXPECT_NEAR(decided(0.0, 1 / 1.644853627).p_tost, 0.05, 1e-6);
  EXPECT_NEAR(decided(-1 - 1.959963985, 1.0).p_beyond, 0.025, 1e-6);
}

TEST(Holm, ByHand) {
  const std::vector<double> p{0.01, 0.04, 0.03, 0.005};
  // Sorted: 4·0.005, 3·0.01, 2·0.03, then 1·0.04 raised to the one before.
  EXPECT_THAT(holm(p), testing::ElementsAre(testing::DoubleEq(0.03), testing::DoubleEq(0.06),
                                            testing::DoubleEq(0.06), testing::DoubleEq(0.02)));
  EXPECT_THAT(holm(std::vector{0.9, 0.6}), testing::ElementsAre(1.0, 1.0));
  EXPECT_TRUE(holm({}).empty());
}

TEST(SampleSize, DocumentsByHand) {
  // d = 2, z = 1.959964 + 0.841621 = 2.801585; allowed = (2 / 2.801585)² = 0.509619.
  // One seed of unknown variance: documents = 0.25 · 100 / 0.509619 = 49.06.
  const auto needed = sample_to_settle(-3, {0.25, std::nullopt, 100, 1}, kRule, 0.8);
  ASSERT_TRUE(needed);
  EXPECT_EQ(needed->documents, 50);
  EXPECT_EQ(needed->seeds, 3);
}

TEST(SampleSize, SeedsTakeHalfAtMost) {
  // One seed's variance is 0.5 · 2 = 1; 2 · 1 / 0.509619 = 3.92, so 4 seeds, which leave 0.259619.
  const auto needed = sample_to_settle(-3, {0.25, 0.5, 100, 2}, kRule, 0.8);
  ASSERT_TRUE(needed);
  EXPECT_EQ(needed->seeds, 4);
  EXPECT_EQ(needed->documents, 97);  // 25 / 0.259619 = 96.3
}

TEST(SampleSize, DistanceIsToTheNearestWayOut) {
  // Above zero and inside the margin, at 0.8: zero is 0.8 away, the margin 0.2.
  const auto above = sample_to_settle(0.8, {0.01, std::nullopt, 100, 1}, kRule, 0.8);
  const double allowed = std::pow(0.8 / 2.801585, 2);
  ASSERT_TRUE(above);
  EXPECT_EQ(above->documents, static_cast<int64_t>(std::ceil(1 / allowed)));
}

TEST(SampleSize, OnTheEdgeNothingSettlesIt) {
  EXPECT_FALSE(sample_to_settle(-1, {0.25, std::nullopt, 100, 1}, kRule, 0.8));
  EXPECT_FALSE(sample_to_settle(-1 - 1e-9, {0.25, 0.1, 100, 2}, kRule, 0.8));
}

}  // namespace
}  // namespace reprise
