// Halting: its probabilities by hand and against differences, and what a network makes of them.
#include "models/halting.h"

#include <gmock/gmock.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "models/halting_head.h"
#include "models/ops/rms_norm.h"
#include "tests/models/gradient_check.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

using test::lively_parameters;
using test::relative_difference;
using test::some_tokens;
using testing::ElementsAre;

/// The scores of these probabilities to halt, a row for each pass.
at::Tensor scores_of(const std::vector<double>& rates, int64_t positions) {
  return at::tensor(rates, at::kDouble).view({-1, positions}).logit().set_requires_grad(true);
}

std::vector<double> column(const at::Tensor& values, int64_t position) {
  std::vector<double> numbers;
  for (int64_t row = 0; row < values.size(0); ++row)
    numbers.push_back(values[row][position].item<double>());
  return numbers;
}

MATCHER_P(Near, numbers, "") {
  for (size_t i = 0; i < numbers.size(); ++i)
    if (std::abs(arg[i] - numbers[i]) > 1e-12) return false;
  return arg.size() == numbers.size();
}

const std::vector<double> kRates{0.2, 0.6, 0.5, 0.5, 0.9, 0.9};  // three passes of two positions

TEST(ExitProbabilities, AreThoseOfTheFirstHaltAndTheLastPassTakesTheRest) {
  const at::Tensor p = log_exit_probabilities(scores_of(kRates, 2)).exp();
  EXPECT_THAT(column(p, 0), Near(std::vector{0.2, 0.8 * 0.5, 0.4 * 0.9, 0.04}));
  EXPECT_THAT(column(p, 1), Near(std::vector{0.6, 0.4 * 0.5, 0.2 * 0.9, 0.02}));
}

TEST(ExitProbabilities, OfNoScoresAreAllAtTheLastPass) {
  const at::Tensor none = at::empty({0, 3}, at::kDouble);
  EXPECT_TRUE(at::equal(log_exit_probabilities(none), at::zeros({1, 3}, at::kDouble)));
  EXPECT_TRUE(at::equal(exit_row(none, 0.5), at::zeros({3}, at::kLong)));
  EXPECT_TRUE(at::equal(ponder(none).weights, at::ones({1, 3}, at::kDouble)));
}

// Their logarithms stay finite where the probabilities have become 0 and 1 in fp32.
TEST(ExitProbabilities, OfSaturatedScoresAreFinite) {
  const at::Tensor scores = at::tensor({200.0F, -200.0F, 1.0F, 200.0F}).view({2, 2});
  const at::Tensor log_p = log_exit_probabilities(scores.set_requires_grad(true));
  EXPECT_EQ(log_p[1][0].item<float>(), at::tensor({1.0F}).sigmoid().log().item<float>() - 200);
  (log_p.exp() * log_p).sum().backward();
  EXPECT_TRUE(at::isfinite(scores.grad()).all().item<bool>());
}

TEST(ExitRow, IsTheFirstAtWhichTheThresholdIsReached) {
  const at::Tensor scores = scores_of(kRates, 2);  // halted: 0.2, 0.6, 0.96; 0.6, 0.8, 0.98
  const auto at = [&](double threshold) {
    const at::Tensor row_M = exit_row(scores, threshold);
    return std::vector{row_M[0].item<int64_t>(), row_M[1].item<int64_t>()};
  };
  EXPECT_THAT(at(0.1), ElementsAre(0, 0));
  EXPECT_THAT(at(0.5), ElementsAre(1, 0));
  EXPECT_THAT(at(0.7), ElementsAre(2, 1));
  EXPECT_THAT(at(0.97), ElementsAre(3, 2));
  EXPECT_THAT(at(0.99), ElementsAre(3, 3));
}

// 0.2 + 0.5 < 0.99 <= 0.2 + 0.5 + 0.9: the third pass has the remaining 0.3. 0.6 + 0.5 >= 0.99: the
// second has 0.4.
TEST(Ponder, WeighsThePassesBeforeTheHaltAndGivesItTheRemainder) {
  const Pondering pondering = ponder(scores_of(kRates, 2));
  EXPECT_THAT(column(pondering.weights, 0), Near(std::vector{0.2, 0.5, 0.3, 0.0}));
  EXPECT_THAT(column(pondering.weights, 1), Near(std::vector{0.6, 0.4, 0.0, 0.0}));
  EXPECT_TRUE(at::equal(pondering.halted_M, at::tensor({2, 1}, at::kLong)));
  EXPECT_LT(relative_difference(pondering.remainder_M, at::tensor({0.3, 0.4})), 1e-7);
}

TEST(Ponder, ThatNeverHaltsEndsAtTheLastPass) {
  const Pondering pondering = ponder(scores_of({0.3, 0.3}, 1));
  EXPECT_THAT(column(pondering.weights, 0), Near(std::vector{0.3, 0.3, 0.4}));
  EXPECT_EQ(pondering.halted_M.item<int64_t>(), 2);
}

TEST(HaltingFunctions, GradientsAgreeWithDifferences) {
  const at::Tensor scores = scores_of(kRates, 2);
  test::expect_gradients([&] { return log_exit_probabilities(scores).square().sum(); }, {scores});
  test::expect_gradients([&] { return ponder(scores).weights.square().sum(); }, {scores});
}

/// Without a coda a readout is the normalised state, so that halting can be followed by hand.
class HaltingNetwork : public testing::Test {
 protected:
  explicit HaltingNetwork(Halting halting = Halting::kExit) {
    options_ = test::tiny_recurrent();
    options_.passes = 4;
    options_.coda = 0;
    options_.halting = halting;
  }
  Network network() const { return {options_, parameters(), at::kDouble}; }
  Parameters parameters() const { return lively_parameters(options_, at::kDouble); }
  BasePasses passes(int64_t floor = 1) {
    options_.halt_floor = floor;
    return network().base_passes(tokens_BT_, {.all_passes = true});
  }

  at::NoGradGuard no_grad_;
  ModelOptions options_;
  const at::Tensor tokens_BT_ = some_tokens(test::tiny_recurrent(), 3, 6);
};

TEST_F(HaltingNetwork, ScoresTheNormalisedStateAfterEachPassButTheLast) {
  const BasePasses base = passes(2);
  const Parameters weights = parameters();
  ASSERT_EQ(base.halt_scores_QM.sizes(), at::IntArrayRef({2, 18}));
  for (int64_t row = 0; row < 2; ++row) {
    const at::Tensor& hidden_MD = base.streams_P[static_cast<size_t>(row + 1)].hidden_MD;
    const at::Tensor expected =
        (ops::rms_norm(hidden_MD) * weights["halt.weight"]).sum(-1) + weights["halt.bias"];
    EXPECT_LT(relative_difference(base.halt_scores_QM[row], expected), 1e-13);
  }
}

TEST_F(HaltingNetwork, ExitsWithTheStateOfEachPositionsPass) {
  for (const int64_t floor : {1, 2, 3}) {
    SCOPED_TRACE(floor);
    const BasePasses base = passes(floor);
    const at::Tensor expected_M = exit_row(base.halt_scores_QM, options_.halt_threshold) + floor;
    EXPECT_TRUE(at::equal(base.exits_M, expected_M));
    EXPECT_EQ(base.exits_M.min().item<int64_t>(), floor) << "otherwise nothing is tested";
    for (int64_t m = 0; m < 18; ++m) {
      const auto pass = base.exits_M[m].item<int64_t>() - 1;
      EXPECT_TRUE(at::equal(base.coarse.hidden_MD[m],
                            base.streams_P[static_cast<size_t>(pass)].hidden_MD[m]));
      EXPECT_TRUE(at::equal(base.features_BTD.flatten(0, 1)[m],
                            network().readout(base, pass).flatten(0, 1)[m]));
    }
  }
}

class MixtureNetwork : public HaltingNetwork {
 protected:
  MixtureNetwork() : HaltingNetwork(Halting::kMixture) {}
};

TEST_F(MixtureNetwork, ReadsOutTheWeightedMeanOfTheStates) {
  const BasePasses base = passes(2);
  const at::Tensor weights = ponder(base.halt_scores_QM).weights;
  at::Tensor mean_MD = at::zeros({18, options_.width}, at::kDouble);
  for (int64_t row = 0; row < 3; ++row)
    mean_MD += weights[row].unsqueeze(-1) * base.streams_P[static_cast<size_t>(row + 1)].hidden_MD;
  EXPECT_LT(relative_difference(base.features_BTD.flatten(0, 1), ops::rms_norm(mean_MD)), 1e-13);
  EXPECT_FALSE(base.exits_M.defined());
}

TEST_F(HaltingNetwork, ReadsAPassOutAsThoughNobodyHalted) {
  const BasePasses base = passes();
  ModelOptions plain = options_;
  plain.halting = Halting::kNone;
  Parameters same(plain, 0, at::kCPU, at::kDouble);
  const Parameters weights = parameters();
  for (const Parameter& parameter : same.list())
    same.assign(parameter.name, weights[parameter.name]);
  const Network other(plain, same, at::kDouble);
  const BasePasses whole = other.base_passes(tokens_BT_, {.all_passes = true});
  for (int64_t pass = 0; pass < 4; ++pass)
    EXPECT_TRUE(at::equal(network().readout(base, pass), other.readout(whole, pass))) << pass;
  EXPECT_FALSE(at::equal(base.features_BTD, whole.features_BTD));
}

TEST_F(HaltingNetwork, InFewerPassesThanItsFloorEveryPositionTakesTheLast) {
  options_.halt_floor = 3;
  const BasePasses base = network().base_passes(tokens_BT_, {}, {.passes = 2});
  EXPECT_EQ(base.halt_scores_QM.size(0), 0);
  EXPECT_TRUE(at::equal(base.exits_M, at::full({18}, 2, at::kLong)));
  EXPECT_TRUE(at::equal(base.coarse.hidden_MD, base.streams_P.back().hidden_MD));
}

TEST_F(HaltingNetwork, IsNotCutInBackward) {
  EXPECT_THROW(network().base_passes(tokens_BT_, {}, {.graph_passes = 2}), Error);
  EXPECT_NO_THROW(network().base_passes(tokens_BT_, {}, {.graph_passes = 4}));
}

TEST_F(HaltingNetwork, StartsWithAnEvenChanceAtEveryPass) {
  const Network fresh(options_, Parameters(options_, 1), at::kFloat);
  const at::Tensor scores_QM = fresh.base_passes(tokens_BT_).halt_scores_QM;
  EXPECT_TRUE(at::equal(scores_QM, at::zeros({3, 18})));
}

}  // namespace
}  // namespace reprise
