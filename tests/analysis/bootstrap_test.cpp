// The bootstrap against an implementation in Python (golden/bootstrap.py), and how often its
// intervals hold the truth.
#include "eval/stats/bootstrap.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/file.h"
#include "base/random.h"
#include "eval/stats/decision.h"

namespace reprise {
namespace {

nlohmann::json golden() {
  return nlohmann::json::parse(
      read_file(REPRISE_SOURCE_DIR "/tests/analysis/golden/bootstrap.json"));
}

std::vector<DocumentScores> golden_documents(const nlohmann::json& expected) {
  std::vector<DocumentScores> by_seed;
  for (const auto& nats : expected.at("nats")) {
    auto& documents = by_seed.emplace_back();
    for (size_t i = 0; i < nats.size(); ++i)
      documents.push_back({{nats[i].get<double>()}, {expected.at("bytes")[i].get<int64_t>()}});
  }
  return by_seed;
}

BootstrapOptions golden_options(const nlohmann::json& expected) {
  return {expected.at("draws").get<int64_t>(), expected.at("seed").get<uint64_t>()};
}

/// Both sides work in double precision in another order of summation.
constexpr double kRelative = 1e-11;

void expect_close(double value, const nlohmann::json& expected) {
  const double wanted = expected.get<double>();
  EXPECT_NEAR(value, wanted, kRelative * std::abs(wanted));
}

TEST(Bootstrap, OverDocumentsEqualsThePythonImplementation) {
  const auto expected = golden();
  const DocumentScores documents = golden_documents(expected)[0];
  const double estimate = bits_per_byte(documents);
  expect_close(estimate, expected.at("ratio"));
  expect_close(delta_standard_error(documents), expected.at("delta_standard_error"));

  const BcaDistribution effect(bootstrap_documents(documents, golden_options(expected)), estimate,
                               leave_one_out(documents));
  EXPECT_NEAR(effect.bias(), expected.at("bias").get<double>(), 1e-9);
  EXPECT_NEAR(effect.acceleration(), expected.at("acceleration").get<double>(), 1e-9);
  const Interval interval = effect.interval(0.95);
  EXPECT_NEAR(interval.low, expected.at("interval")[0].get<double>(), 1e-12);
  EXPECT_NEAR(interval.high, expected.at("interval")[1].get<double>(), 1e-12);
}

TEST(Bootstrap, OverSeedsEqualsThePythonImplementation) {
  const auto expected = golden();
  const SeedEffect effect = bootstrap_seeds(golden_documents(expected), golden_options(expected));
  const auto& seeds = expected.at("seeds");
  expect_close(effect.estimate, seeds.at("estimate"));
  expect_close(effect.standard_error, seeds.at("standard_error"));
  expect_close(effect.document_variance, seeds.at("document_variance"));
  expect_close(effect.seed_variance, seeds.at("seed_variance"));
  expect_close(effect.degrees_of_freedom, seeds.at("degrees_of_freedom"));
  const Interval interval =
      StudentDistribution(effect.estimate, effect.standard_error, effect.degrees_of_freedom)
          .interval(0.95);
  EXPECT_NEAR(interval.low, seeds.at("interval")[0].get<double>(), 1e-9);
  EXPECT_NEAR(interval.high, seeds.at("interval")[1].get<double>(), 1e-9);
}

TEST(Bootstrap, LimitsAndConfidenceAreInverse) {
  const auto expected = golden();
  const DocumentScores documents = golden_documents(expected)[0];
  const BcaDistribution effect(bootstrap_documents(documents, golden_options(expected)),
                               bits_per_byte(documents), leave_one_out(documents));
  for (const double confidence : {0.01, 0.025, 0.2, 0.5, 0.9, 0.975, 0.99})
    EXPECT_NEAR(effect.confidence_below(effect.limit(confidence)), confidence, 1e-9);
  EXPECT_LT(effect.confidence_below(-1), 0.005);
  EXPECT_GT(effect.confidence_below(1), 0.995);
}

TEST(Bootstrap, ALimitBeyondTheOutermostDrawIsNone) {
  std::vector<double> draws(99);
  std::iota(draws.begin(), draws.end(), -49.0);
  const BcaDistribution effect(draws, 0, std::vector<double>{});
  EXPECT_EQ(effect.limit(0.01), -49);  // the first of 99 draws
  EXPECT_EQ(effect.limit(0.0099), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(effect.limit(0.9901), std::numeric_limits<double>::infinity());
  EXPECT_EQ(decide(effect, {.margin_bpb = 50, .confidence = 0.999}).verdict,
            Verdict::kInconclusive);
}

TEST(Bootstrap, ArmsThatAreTheSameDifferByExactlyNothing) {
  const DocumentScores documents(5, DocumentScore{{0}, {100}});
  const BcaDistribution effect(bootstrap_documents(documents, {200, 1}), 0,
                               leave_one_out(documents));
  EXPECT_EQ(effect.interval(0.95).low, 0);
  EXPECT_EQ(effect.interval(0.95).high, 0);
  EXPECT_EQ(effect.confidence_below(0), 0.5);
}

/// Documents of log-normal length, whose difference per byte has mean `truth` and is skewed.
DocumentScores simulated(double truth, uint32_t trial, size_t count) {
  const RandomStream stream(3, Purpose::kTest, trial);
  DocumentScores documents;
  for (size_t i = 0; i < count; ++i) {
    const double size = std::round(std::exp(6 + 0.7 * stream.normal(2 * i)));
    const double skewed = -std::log1p(-stream.uniform(2 * i + 1)) - 1;  // exponential, mean 0
    documents.push_back({{size * (truth + 0.01 * skewed) * std::log(2.0)}, {int64_t(size)}});
  }
  return documents;
}

TEST(Bootstrap, IntervalsOverDocumentsHoldTheTruthAsOftenAsTheySay) {
  constexpr int kTrials = 400;
  constexpr double kTruth = -0.004;
  int covered = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const DocumentScores documents = simulated(kTruth, static_cast<uint32_t>(trial), 80);
    const BcaDistribution effect(bootstrap_documents(documents, {800, 7}), bits_per_byte(documents),
                                 leave_one_out(documents));
    const Interval interval = effect.interval(0.90);
    covered += interval.low <= kTruth && kTruth <= interval.high;
  }
  // 90 % of 400, three binomial standard deviations (6) either side.
  EXPECT_GE(covered, 342);
  EXPECT_LE(covered, 378);
}

/// Three seeds, each with an effect of its own on every document.
TEST(Bootstrap, IntervalsOverSeedsHoldTheTruthAsOftenAsTheySay) {
  constexpr int kTrials = 400;
  constexpr double kTruth = -0.004;
  int covered = 0, percentile_covered = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const RandomStream stream(4, Purpose::kTest, static_cast<uint32_t>(trial));
    const DocumentScores common = simulated(0, static_cast<uint32_t>(trial), 60);
    std::vector<DocumentScores> by_seed(3, common);
    double least = 1, most = -1;
    for (size_t s = 0; s < 3; ++s) {
      const double effect = kTruth + 0.004 * stream.normal(s);
      for (auto& [nats, bytes] : by_seed[s])
        nats.value += effect * static_cast<double>(bytes.value) * std::log(2.0);
      least = std::min(least, bits_per_byte(by_seed[s]));
      most = std::max(most, bits_per_byte(by_seed[s]));
    }
    const SeedEffect found = bootstrap_seeds(by_seed, {300, 7});
    const Interval interval =
        StudentDistribution(found.estimate, found.standard_error, found.degrees_of_freedom)
            .interval(0.95);
    covered += interval.low <= kTruth && kTruth <= interval.high;
    percentile_covered += least <= kTruth && kTruth <= most;  // the outermost of ten samples
  }
  EXPECT_GE(covered, 367);  // 95 % of 400 less three standard deviations (4.4)
  EXPECT_LE(covered, 398);
  EXPECT_LE(percentile_covered, 325);  // the 75 % for which percentiles were not taken
}

TEST(Bootstrap, VarianceOfSeedsAloneIsThatOfTheirMean) {
  std::vector<DocumentScores> by_seed;
  for (const double bits : {1.0, 2.0, 6.0})
    by_seed.push_back(DocumentScores(4, DocumentScore{{bits * std::log(2.0)}, {1}}));
  const SeedEffect effect = bootstrap_seeds(by_seed, {20'000, 1});
  EXPECT_NEAR(effect.estimate, 3, 1e-12);
  EXPECT_NEAR(effect.seed_variance, 7.0 / 3, 1e-12);
  EXPECT_NEAR(effect.document_variance, 0, 1e-12);
  EXPECT_NEAR(effect.degrees_of_freedom, 2, 1e-9);
  EXPECT_NEAR(effect.standard_error, std::sqrt(7.0 / 3), 0.02);  // drawn
}

}  // namespace
}  // namespace reprise
