// Policies: each by hand, the bucket's cap at every prefix of random scores, pieces of a document
// against the whole, and what the options refuse.
#include "eval/gates/policy.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "base/random.h"
#include "eval/gates/policy_options.h"
#include "tests/eval/gates/special_numbers.h"

namespace reprise {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Decisions = std::vector<uint8_t>;

Decisions decide(const RefinementPolicy& policy, const std::vector<float>& scores) {
  PolicyState state;
  return policy.decide(scores, state);
}

std::vector<float> random_scores(size_t count, uint32_t of = 0) {
  const RandomStream stream(3, Purpose::kTest, of);
  std::vector<float> scores;
  for (size_t i = 0; i < count; ++i) scores.push_back(static_cast<float>(stream.normal(i)));
  return scores;
}

TEST(Threshold, RefinesAboveItAndNoNanButAtMinusInfinity) {
  EXPECT_THAT(decide(*make_threshold(1), {0, 1, 2, kNan, kInfinity}), ElementsAre(0, 0, 1, 0, 1));
  EXPECT_THAT(decide(*make_threshold(-kInfinity), {-kInfinity, kNan, 0}), ElementsAre(1, 1, 1));
  EXPECT_THAT(decide(*make_threshold(kInfinity), {kInfinity, kNan, 0}), ElementsAre(0, 0, 0));
}

TEST(RunningQuantile, MovesByHand) {
  // Threshold 0, 0.75 (refined), 0.5 (not), 1.25 (refined), 1.0 (not).
  const auto policy = make_running_quantile(0, 0.25, 1);
  EXPECT_THAT(decide(*policy, {1, 0.7f, 0.6f, 1.25f, kNan}), ElementsAre(1, 0, 1, 0, 0));
}

TEST(RunningQuantile, ComesToItsRateWhereTheHeldOutThresholdIsFarOff) {
  const auto scores = random_scores(20'000);
  const auto policy = make_running_quantile(-3, 0.1, 0.05);
  const Decisions refined = decide(*policy, scores);
  const double late = std::accumulate(refined.begin() + 2000, refined.end(), 0.0) / 18'000;
  EXPECT_NEAR(late, 0.1, 0.005);
  EXPECT_GT(decide(*make_threshold(-3), scores)[5], 0);
}

TEST(PickMost, TakesTheLargestEarlierOnesFirstAndIsNotCausal) {
  const auto policy = make_pick_most(0.5);
  EXPECT_THAT(decide(*policy, {1, 3, kNan, 3, 2, 3}), ElementsAre(0, 1, 0, 1, 0, 1));
  EXPECT_THAT(decide(*make_pick_most(0.25), {2, 2, 2, 2, kNan, 1, kInfinity, 0}),
              ElementsAre(1, 0, 0, 0, 0, 0, 1, 0));
  EXPECT_FALSE(policy->causal());
}

TEST(Segments, AreDecidedByTheirFirst) {
  const auto policy = make_segments(make_threshold(0), 3);
  EXPECT_THAT(decide(*policy, {1, -1, -1, -1, 1, 1, 1}), ElementsAre(1, 1, 1, 0, 0, 0, 1));
}

TEST(TokenBucket, SpendsWhatItHolds) {
  const auto policy = make_token_bucket(make_threshold(0), 0.5, 2);
  EXPECT_THAT(decide(*policy, {1, 1, 1, 1, 1, 1, 1}), ElementsAre(1, 1, 1, 0, 1, 0, 1));
  EXPECT_THAT(decide(*policy, {1, 1, 1, -1, -1, -1, -1, 1, 1, 1}),
              ElementsAre(1, 1, 1, 0, 0, 0, 0, 1, 1, 1));
}

TEST(TokenBucket, HoldsItsCapAtEveryPrefix) {
  for (const double refill : {0.0, 0.01, 0.1, 1.0 / 3, 0.5, 1.0})
    for (const double burst : {1.0, 2.5, 16.0})
      for (uint32_t document = 0; document < 20; ++document) {
        const float threshold = static_cast<float>(document) / 10 - 1;
        const auto policy = make_token_bucket(make_threshold(threshold), refill, burst);
        double refined = 0, seen = 0;
        for (const uint8_t decision : decide(*policy, random_scores(500, document))) {
          refined += decision, seen += 1;
          ASSERT_LE(refined, burst + refill * seen) << refill << " " << burst;
        }
      }
}

TEST(TotalCap, CountsWhatTheBucketLetThrough) {
  const auto policy = make_total_cap(make_token_bucket(make_threshold(0), 0.5, 1), 3);
  EXPECT_THAT(decide(*policy, {1, 1, 1, 1, 1, 1, 1, 1, 1}), ElementsAre(1, 0, 1, 0, 1, 0, 0, 0, 0));
}

PolicyOptions everything(PolicyKind kind) {
  PolicyOptions options;
  options.kind = kind;
  options.segment = 3;
  options.burst = 4;
  options.refill = 0.2;
  options.cap = 40;
  return options;
}

TEST(Policy, DecidesADocumentInPiecesAsInOne) {
  for (const auto kind : {PolicyKind::kThreshold, PolicyKind::kRunningQuantile}) {
    const auto policy = make_policy(everything(kind), 0.2f);
    require_causal(*policy);
    const auto scores = random_scores(300);
    const Decisions whole = decide(*policy, scores);
    for (const size_t piece : {1u, 2u, 7u, 64u}) {
      PolicyState state;
      Decisions pieces;
      for (size_t first = 0; first < scores.size(); first += piece) {
        const auto some = policy->decide(
            std::span(scores).subspan(first, std::min(piece, scores.size() - first)), state);
        pieces.insert(pieces.end(), some.begin(), some.end());
      }
      EXPECT_EQ(pieces, whole) << piece;
    }
  }
}

TEST(Policy, NoLaterScoreChangesADecision) {
  const auto policy = make_policy(everything(PolicyKind::kRunningQuantile), 0.2f);
  const auto scores = random_scores(200);
  const Decisions before = decide(*policy, scores);
  for (size_t changed = 0; changed < scores.size(); changed += 13) {
    auto other = scores;
    for (size_t i = changed; i < other.size(); ++i) other[i] = -other[i];
    const Decisions after = decide(*policy, other);
    EXPECT_TRUE(std::equal(before.begin(), before.begin() + static_cast<ptrdiff_t>(changed),
                           after.begin()));
  }
}

std::string usage_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "";
}

TEST(Policy, ThatLooksAheadIsRefusedForScoringWhateverWrapsIt) {
  const auto policy = make_policy(everything(PolicyKind::kPickMost), 0);
  EXPECT_THAT(usage_of([&] { require_causal(*policy); }), HasSubstr("never scores"));
  EXPECT_THAT(policy->may_see(), testing::Contains("all scores of the batch, later ones included"));
}

TEST(PolicyOptions, RefuseWhatCannotBeMeant) {
  const auto with = [](auto change) {
    PolicyOptions options;
    change(options);
    return usage_of([&] { validate(options); });
  };
  EXPECT_EQ(with([](auto&) {}), "");
  EXPECT_THAT(with([](auto& o) { o.budget = 1.1; }), HasSubstr("policy.budget"));
  EXPECT_THAT(with([](auto& o) { o.budget = std::nan(""); }), HasSubstr("policy.budget"));
  EXPECT_THAT(with([](auto& o) { o.step = 0; }), HasSubstr("policy.step"));
  EXPECT_THAT(with([](auto& o) { o.segment = 0; }), HasSubstr("policy.segment"));
  EXPECT_THAT(with([](auto& o) { o.burst = -1; }), HasSubstr("policy.burst"));
  EXPECT_THAT(with([](auto& o) { o.burst = 0.5; }), HasSubstr("policy.burst"));
  EXPECT_THAT(with([](auto& o) { o.refill = 2; }), HasSubstr("policy.refill"));
  EXPECT_THAT(with([](auto& o) { o.refill = 0.5; }), HasSubstr("policy.burst 0 wants none"));
  EXPECT_THAT(with([](auto& o) { o.cap = -1; }), HasSubstr("policy.cap"));
}

TEST(Nan, IsCounted) { EXPECT_EQ(count_nan(std::vector<float>{0, kNan, kInfinity, kNan}), 2); }

}  // namespace
}  // namespace reprise
