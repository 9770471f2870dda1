// The checks of an evaluation: they hold for a real network, and each notices the part of it that
// breaks its rule.
#include "eval/checks.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "eval/unit.h"
#include "tests/eval/tiny_world.h"

namespace reprise {
namespace {

ModelOptions small_model(Family family) {
  ModelOptions options;
  options.family = family;
  options.vocab = 200, options.width = 32, options.heads = 4, options.kv_heads = 2;
  options.prelude = options.core = options.coda = 1;
  options.passes = family == Family::kStatic ? 1 : 3;
  options.context = 48;
  return options;
}

ScoringBatch sample(int64_t vocab) {
  std::vector<Document> documents(1);
  documents[0].tokens = 49;
  UnitText text;
  text.documents = documents;
  for (int64_t i = 0; i < 49; ++i) text.tokens.push_back(static_cast<Token>((i * 31 + 7) % vocab));
  return make_batch(text, {{0, 0, 48, 0}});
}

/// Refines where a position is above the mean entropy of all it is shown: it looks at the future.
class PeekingGate : public Gate {
 public:
  GateScores score(const CoarseSignals& signals) const override {
    const float mean = std::reduce(signals.entropy.begin(), signals.entropy.end()) /
                       static_cast<float>(signals.entropy.size());
    GateScores scores;
    for (const float entropy : signals.entropy) scores.margins.push_back(entropy - mean);
    return scores;
  }
};

std::vector<CheckResult> check(const CheckedOperations& operations, Arithmetic arithmetic) {
  const auto comm = make_self_communicator();
  return run_checks(operations, {sample(operations.scorer.network().options().vocab)}, arithmetic,
                    *comm);
}

class ChecksTest : public testing::TestWithParam<std::pair<Family, Arithmetic>> {};

void expect_passed(const ModelOptions& options, Arithmetic arithmetic) {
  const Network network(options, random_parameters(options),
                        arithmetic == Arithmetic::kBf16 ? at::kBFloat16 : at::kFloat);
  const Scorer scorer(network, {make_gate({"entropy", 4.8, 0.5, ""})});
  const auto results = check(CheckedOperations(scorer), arithmetic);
  ASSERT_EQ(results.size(), 5u);
  for (const CheckResult& result : results) {
    ASSERT_TRUE(result.measured) << enum_name(result.check);
    EXPECT_LE(*result.measured, result.tolerance) << enum_name(result.check);
  }
  require_passed(results, Passes::kRefined);
}

TEST_P(ChecksTest, HoldForARealNetwork) {
  const auto [family, arithmetic] = GetParam();
  expect_passed(small_model(family), arithmetic);
}

TEST_P(ChecksTest, HoldWherePassesAreSummedOrHalt) {
  const auto [family, arithmetic] = GetParam();
  if (family == Family::kStatic) return;  // has one pass
  ModelOptions summed = small_model(family), mixture = summed, exit = summed;
  summed.readout = Readout::kSum;
  mixture.halting = Halting::kMixture;
  exit.halting = Halting::kExit;
  for (const ModelOptions& options : {summed, mixture, exit}) {
    SCOPED_TRACE(concat(enum_name(options.readout), ", ", enum_name(options.halting)));
    expect_passed(options, arithmetic);
  }
}

/// A sample of the same text of which positions from `scored` on are scored.
std::vector<CheckResult> check_scored_from(int64_t scored) {
  const ModelOptions options = small_model(Family::kRecurrent);
  const Network network(options, random_parameters(options), at::kFloat);
  const Scorer scorer(network, {make_gate({"entropy", 4.8, 0.5, ""})});
  std::vector<Document> documents(1);
  documents[0].tokens = 49;
  UnitText text;
  text.documents = documents;
  for (int64_t i = 0; i < 49; ++i) text.tokens.push_back(static_cast<Token>((i * 31 + 7) % 200));
  const auto comm = make_self_communicator();
  return run_checks(CheckedOperations(scorer), {make_batch(text, {{0, 0, 48, scored}})},
                    Arithmetic::kFp32, *comm);
}

TEST(CausalityChecks, CompareInAWindowOfWhichOnlyTheEndIsScored) {
  const auto results = check_scored_from(40);
  for (const CheckResult& result : results) EXPECT_TRUE(result.measured) << enum_name(result.check);
  require_passed(results, Passes::kRefined);
}

TEST(CausalityChecks, CountAsNotRunWhereOnlyTheLastPositionIsScored) {
  const auto results = check_scored_from(47);
  for (const CheckResult& result : results) {
    const bool compared = result.check != Check::kGate && result.check != Check::kRefined;
    EXPECT_EQ(result.measured.has_value(), compared) << enum_name(result.check);
  }
  EXPECT_THROW(require_passed(results, Passes::kRefined), Error);
}

INSTANTIATE_TEST_SUITE_P(Networks, ChecksTest,
                         testing::Values(std::pair{Family::kStatic, Arithmetic::kFp32},
                                         std::pair{Family::kRecurrent, Arithmetic::kFp32},
                                         std::pair{Family::kRecurrent, Arithmetic::kBf16}));

/// A recurrent network in fp32 and its gate, one part of which a test breaks.
class BrokenChecks : public testing::Test {
 protected:
  /// Expects an evaluation to be refused over `check` alone.
  void expect_refused(Check broken, const CheckedOperations& operations) {
    const auto results = check(operations, Arithmetic::kFp32);
    for (const CheckResult& result : results)
      EXPECT_EQ(result.measured <= result.tolerance, result.check != broken)
          << enum_name(result.check) << ' ' << result.measured.value_or(-1);
    try {
      require_passed(results, Passes::kRefined);
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kInvalidTrace);
      EXPECT_THAT(error.what(),
                  testing::StartsWith(concat("the check ", enum_name(broken), " failed: ")));
      EXPECT_THAT(error.what(), testing::EndsWith("nothing was scored"));
    }
  }

  /// The batch a model would see that reads one token ahead.
  static ScoringBatch one_ahead(ScoringBatch batch) {
    batch.tokens_BT = batch.tokens_BT.roll(-1, 1);
    return batch;
  }

  const ModelOptions options_ = small_model(Family::kRecurrent);
  const Network network_{options_, random_parameters(options_), at::kFloat};
  const Scorer scorer_{network_, {make_gate({"entropy", 4.8, 0.5, ""})}};
  CheckedOperations operations_{scorer_};
};

TEST_F(BrokenChecks, BasePassesThatReadAhead) {
  operations_.base_logits = [real = operations_.base_logits](const at::Tensor& tokens_BT) {
    return real(tokens_BT.roll(-1, 1));
  };
  expect_refused(Check::kPrediction, operations_);
}

TEST_F(BrokenChecks, AGateThatReadsAhead) {
  const Scorer peeking(network_, {std::make_shared<PeekingGate>()});
  expect_refused(Check::kGate, CheckedOperations(peeking));
}

TEST_F(BrokenChecks, SecondPassesThatReadAhead) {
  using Likelihoods = std::vector<double>& (*)(BatchScores&);
  for (const Likelihoods part :
       {Likelihoods([](BatchScores& s) -> std::vector<double>& { return s.nll_gated; }),
        Likelihoods([](BatchScores& s) -> std::vector<double>& { return s.nll_random; }),
        Likelihoods([](BatchScores& s) -> std::vector<double>& { return s.all.nll; })}) {
    CheckedOperations broken = operations_;
    broken.score = [&](const ScoringBatch& batch) {
      BatchScores scores = operations_.score(batch);
      BatchScores ahead = operations_.score(one_ahead(batch));
      part(scores) = part(ahead);
      return scores;
    };
    expect_refused(Check::kRefined, broken);
  }
}

TEST_F(BrokenChecks, ProbabilitiesThatDoNotSumToOne) {
  operations_.predict = [](const at::Tensor& logits_NV, const at::Tensor& targets_N) {
    Predictions predictions = predict(logits_NV, targets_N);
    for (double& nats : predictions.nll) nats = std::max(0.0, nats - 1e-5);
    return predictions;
  };
  expect_refused(Check::kNormalisation, operations_);
}

TEST_F(BrokenChecks, ASparsePassOnTheKeysOfAnotherText) {
  ScoringBatch other = sample(options_.vocab);
  other.tokens_BT = (other.tokens_BT + 1) % options_.vocab;
  const at::NoGradGuard no_grad;
  const BasePasses foreign = network_.base_passes(other.tokens_BT, {.keys = true});
  operations_.refine_rows = [&](const BasePasses& base, const at::Tensor& rows_M) {
    BasePasses mixed = base;
    mixed.core_keys = foreign.core_keys;
    mixed.coda_keys = foreign.coda_keys;
    return network_.refine_rows(mixed, rows_M);
  };
  expect_refused(Check::kSparse, operations_);
}

TEST(Checks, WithoutASecondPassItsChecksAreNotRun) {
  const ModelOptions options = small_model(Family::kStatic);
  const Network network(options, random_parameters(options), at::kFloat);
  const Scorer scorer(network, {});
  const auto results = check(CheckedOperations(scorer), Arithmetic::kFp32);
  for (const CheckResult& result : results)
    EXPECT_EQ(result.measured.has_value(), applies(result.check, Passes::kBaseOnly))
        << enum_name(result.check);
  require_passed(results, Passes::kBaseOnly);
  EXPECT_EQ(to_json(results)["causality_gate"], nlohmann::json({{"run", false}}));
  try {
    require_passed(results, Passes::kRefined);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("causality_gate could not be run"));
  }
}

TEST(Checks, NothingToCompareIsNotPassed) {
  const ModelOptions options = small_model(Family::kRecurrent);
  const Network network(options, random_parameters(options), at::kFloat);
  const Scorer scorer(network, {});
  const auto comm = make_self_communicator();
  EXPECT_THROW(require_passed(run_checks(CheckedOperations(scorer), {}, Arithmetic::kFp32, *comm),
                              Passes::kBaseOnly),
               Error);
}

TEST(Checks, WeightsThatAreNoNumbersAreCaught) {
  const ModelOptions options = small_model(Family::kRecurrent);
  Parameters parameters = random_parameters(options);
  const at::Tensor broken = parameters["embedding"].detach().clone();
  broken.fill_(std::numeric_limits<float>::quiet_NaN());
  parameters.assign("embedding", broken);
  const Network network(options, parameters, at::kFloat);
  const Scorer scorer(network, {});
  EXPECT_THROW(
      require_passed(check(CheckedOperations(scorer), Arithmetic::kFp32), Passes::kBaseOnly),
      Error);
}

}  // namespace
}  // namespace reprise
