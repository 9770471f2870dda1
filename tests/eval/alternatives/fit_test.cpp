#include "eval/alternatives/fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "tests/eval/alternatives/made_logits.h"

namespace reprise {
namespace {

class Fit : public testing::Test {
 protected:
  /// Logits as they are, in one state, the rows dealt to so many shares.
  FitSample sample(const at::Tensor& logits_NV, const at::Tensor& targets_N,
                   std::vector<uint8_t> picked = {}, int64_t shares = 1) {
    const int64_t rows = logits_NV.size(0);
    picked.resize(static_cast<size_t>(rows), 0);
    std::vector<StoredRows> own;
    for (int64_t share = 0; share < shares; ++share) {
      const int64_t first = share * rows / shares, end = (share + 1) * rows / shares;
      own.push_back({{logits_NV.narrow(0, first, end - first)},
                     targets_N.narrow(0, first, end - first),
                     {picked.begin() + first, picked.begin() + end}});
    }
    return {std::move(own), shares, logits_NV.size(1), [](const at::Tensor& z) { return z; },
            *comm_};
  }

  std::unique_ptr<Communicator> comm_ = make_self_communicator();
};

/// Logits log(counts), and every token its count as a target: nothing can be bettered.
TEST_F(Fit, LeavesWhatIsFittedAlone) {
  const std::vector<double> counts{50, 30, 15, 5};
  std::vector<int64_t> targets;
  for (size_t v = 0; v < counts.size(); ++v)
    targets.insert(targets.end(), static_cast<size_t>(counts[v]), static_cast<int64_t>(v));
  const at::Tensor logits_NV = at::tensor(counts, at::kDouble).log().repeat({100, 1});
  const auto fitted = fit_state(sample(logits_NV, at::tensor(targets, at::kLong)), 0, {50, 1});
  EXPECT_NEAR(fitted.temperature.change.scale, 1, 1e-9);
  EXPECT_NEAR(fitted.readout.change.scale, 1, 1e-6);
  EXPECT_LT(fitted.readout.change.bias_V.abs().max().item<double>(), 1e-6);
  EXPECT_NEAR(fitted.readout.nats_after, fitted.readout.nats_before, 1e-12);
}

/// A bias on two tokens and a scale of 2 spoil logits; the readout finds its way back.
TEST_F(Fit, UndoesABiasAndAScale) {
  const at::Tensor true_NV = made_logits(4000, 6, 1.5), targets_N = drawn_targets(true_NV);
  const at::Tensor bias_V = at::tensor({0.3, -0.3, 0.0, 0.0, 0.0, 0.0}, at::kDouble);
  const FitSample spoilt = sample(2 * (true_NV + bias_V), targets_N);
  const FittedState fitted = fit_state(spoilt, 0, {80, 10});
  const double truth = mean_nats(sample(true_NV, targets_N), 0);
  EXPECT_NEAR(fitted.temperature.change.scale, 0.5, 0.05);
  EXPECT_GT(fitted.readout.nats_before, fitted.temperature.nats_after);
  EXPECT_GT(fitted.temperature.nats_after, fitted.readout.nats_after + 0.005);
  EXPECT_LT(fitted.readout.nats_after, truth) << "seven numbers more than the truth has";
  EXPECT_GT(fitted.readout.nats_after, truth - 0.005);
  const at::Tensor found_V = fitted.readout.change.bias_V;
  EXPECT_NEAR((found_V[0] - found_V[1]).item<double>(), -0.6, 0.15);
}

/// Of many tokens and few predictions of a perfect model, only chance could be learnt.
TEST_F(Fit, APriorKeepsItFromLearningChance) {
  const at::Tensor fitted_NV = made_logits(400, 200, 1, 5), fresh_NV = made_logits(4000, 200, 1, 6);
  const at::Tensor fitted_N = drawn_targets(fitted_NV, 7), fresh_N = drawn_targets(fresh_NV, 8);
  const auto fresh_nats = [&](double prior) {
    const FittedState state = fit_state(sample(fitted_NV, fitted_N), 0, {40, prior});
    EXPECT_LT(state.readout.nats_after, state.temperature.nats_after);
    return mean_nats(sample(changed(fresh_NV, state.readout.change, {}), fresh_N), 0);
  };
  const double truth = mean_nats(sample(fresh_NV, fresh_N), 0);
  EXPECT_GT(fresh_nats(10), truth + 0.01);
  EXPECT_LT(fresh_nats(0.1), truth + 0.005);
}

TEST_F(Fit, GivesTheGatesPositionsATemperatureOfTheirOwn) {
  const at::Tensor true_NV = made_logits(3000, 5, 2), targets_N = drawn_targets(true_NV);
  std::vector<uint8_t> picked;
  std::vector<double> factors;
  for (int64_t n = 0; n < 3000; ++n) {
    picked.push_back(n % 3 == 0);
    factors.push_back(n % 3 == 0 ? 4.0 : 1.0);
  }
  const at::Tensor logits_NV = true_NV * at::tensor(factors, at::kDouble).unsqueeze(1);
  const FittedState fitted = fit_state(sample(logits_NV, targets_N, picked), 0, {1, 1});
  EXPECT_NEAR(fitted.by_gate.change.scale_picked, 0.25, 0.03);
  EXPECT_NEAR(fitted.by_gate.change.scale, 1, 0.1);
  EXPECT_LT(fitted.by_gate.nats_after, fitted.temperature.nats_after - 0.01);
}

TEST_F(Fit, NeverEndsWorseThanTheTemperature) {
  const at::Tensor logits_NV = made_logits(60, 9, 3), targets_N = drawn_targets(logits_NV);
  for (const int64_t steps : {1, 2, 10}) {
    const FittedState fitted = fit_state(sample(logits_NV, targets_N), 0, {steps, 1});
    EXPECT_LE(fitted.readout.nats_after, fitted.temperature.nats_after) << steps;
    EXPECT_LE(fitted.temperature.nats_after, fitted.temperature.nats_before) << steps;
  }
}

TEST_F(Fit, RefusesWhatIsNotFinite) {
  at::Tensor logits_NV = made_logits(8, 3, 1);
  logits_NV[3][1] = std::nan("");
  EXPECT_THROW(fit_state(sample(logits_NV, at::zeros({8}, at::kLong)), 0, {1, 1}), Error);
  EXPECT_THROW(mean_nats(sample(logits_NV, at::zeros({8}, at::kLong)), 0), Error);
}

/// More rows than a block of logits holds, and shares without any.
TEST_F(Fit, SumsEveryRowOnce) {
  const int64_t vocab = 1 << 15, rows = 3 * rows_at_once(vocab) + 1;
  const at::Tensor logits_NV = at::zeros({rows, vocab}, at::kDouble);
  const FitSample all = sample(logits_NV, at::zeros({rows}, at::kLong), {}, 30);
  EXPECT_EQ(all.tokens(), rows);
  const auto sums = all.sum(0, 1, [](const FitBlock& block, auto into) {
    into[0] += static_cast<double>(block.picked.size());
  });
  EXPECT_EQ(sums[0], static_cast<double>(rows));
  EXPECT_NEAR(mean_nats(all, 0), std::log(static_cast<double>(vocab)), 1e-12);
}

TEST(EvenSample, KeepsExactlySoManyWithEvenGaps) {
  for (const int64_t kept : {1, 7, 50, 99, 100}) {
    const EvenSample sample{kept, 100};
    int64_t count = 0, gap = 0, longest = 0;
    for (int64_t i = 0; i < 100; ++i) {
      ++gap;
      if (!sample.has(i)) continue;
      ++count;
      longest = std::max(longest, gap);
      gap = 0;
    }
    EXPECT_EQ(count, kept);
    EXPECT_LE(longest, (100 + kept - 1) / kept);
  }
}

}  // namespace
}  // namespace reprise
