// The checks of an evaluation: they hold for a real network, and notice a gate or weights that
// break them.
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
  std::vector<uint8_t> decide(const CoarseSignals& signals) const override {
    const float mean = std::reduce(signals.entropy.begin(), signals.entropy.end()) /
                       static_cast<float>(signals.entropy.size());
    std::vector<uint8_t> refined;
    for (const float entropy : signals.entropy) refined.push_back(entropy > mean);
    return refined;
  }
};

std::vector<CheckResult> check(const Network& network, Gates gates, Arithmetic arithmetic) {
  const auto comm = make_self_communicator();
  return run_checks(Scorer(network, std::move(gates)), {sample(network.options().vocab)},
                    arithmetic, *comm);
}

class ChecksTest : public testing::TestWithParam<std::pair<Family, Arithmetic>> {};

TEST_P(ChecksTest, HoldForARealNetwork) {
  const auto [family, arithmetic] = GetParam();
  const ModelOptions options = small_model(family);
  const Network network(options, random_parameters(options),
                        arithmetic == Arithmetic::kBf16 ? at::kBFloat16 : at::kFloat);
  const auto results =
      check(network, {make_gate({"entropy", 4.8, 0.5, ""}), make_random_gate(1, 0.3)}, arithmetic);
  ASSERT_EQ(results.size(), 5u);
  for (const CheckResult& result : results) {
    EXPECT_TRUE(result.passed()) << result.name << ' ' << result.measured << " > "
                                 << result.tolerance;
    RecordProperty(result.name, std::to_string(result.measured));
  }
  require_passed(results);
}

INSTANTIATE_TEST_SUITE_P(Networks, ChecksTest,
                         testing::Values(std::pair{Family::kStatic, Arithmetic::kFp32},
                                         std::pair{Family::kRecurrent, Arithmetic::kFp32},
                                         std::pair{Family::kRecurrent, Arithmetic::kBf16}));

TEST(Checks, GateThatLooksAheadIsCaught) {
  const ModelOptions options = small_model(Family::kRecurrent);
  const Network network(options, random_parameters(options), at::kFloat);
  const auto results = check(network, {std::make_shared<PeekingGate>(), make_random_gate(1, 0.3)},
                             Arithmetic::kFp32);
  EXPECT_EQ(results[1].name, "causality_gate");
  EXPECT_GT(results[1].measured, 0);
  try {
    require_passed(results);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kInvalidTrace);
    EXPECT_THAT(error.what(), testing::HasSubstr("causality_gate"));
  }
}

TEST(Checks, WeightsThatAreNoNumbersAreCaught) {
  const ModelOptions options = small_model(Family::kRecurrent);
  Parameters parameters = random_parameters(options);
  const at::Tensor broken = parameters["embedding"].detach().clone();
  broken.fill_(std::numeric_limits<float>::quiet_NaN());
  parameters.assign("embedding", broken);
  const Network network(options, parameters, at::kFloat);
  EXPECT_THROW(require_passed(check(network, {}, Arithmetic::kFp32)), Error);
}

}  // namespace
}  // namespace reprise
