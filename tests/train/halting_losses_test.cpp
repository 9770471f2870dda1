#include "train/halting_losses.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "tests/models/gradient_check.h"

namespace reprise {
namespace {

/// The scores of these probabilities to halt at the passes before the last, for one token.
at::Tensor scores_of(std::vector<double> rates) {
  return at::tensor(rates, at::kDouble).logit().unsqueeze(-1).set_requires_grad(true);
}
at::Tensor log_p_of(std::vector<double> rates) { return log_exit_probabilities(scores_of(rates)); }

at::Tensor nats(std::vector<double> values) { return at::tensor(values, at::kDouble); }

TEST(ExpectedNats, AreEachPassesByItsProbability) {
  const std::vector<at::Tensor> passes{nats({1}), nats({2}), nats({4})};
  // 0.25 * 1 + 0.75 * 0.5 * 2 + 0.375 * 4
  EXPECT_NEAR(expected_nats(log_p_of({0.25, 0.5}), passes).item<double>(), 2.5, 1e-12);
  EXPECT_THROW(expected_nats(log_p_of({0.25}), passes), Error);
}

TEST(PriorDivergence, IsNoneWhereTheHeadGivesThePriorsRate) {
  EXPECT_NEAR(prior_divergence(log_p_of({0.2, 0.2, 0.2}), 0.2).item<double>(), 0, 1e-12);
}

TEST(PriorDivergence, IsThatOfTheDistributions) {
  // (0.5, 0.5) against (0.2, 0.8)
  const double by_hand = 0.5 * std::log(0.5 / 0.2) + 0.5 * std::log(0.5 / 0.8);
  EXPECT_NEAR(prior_divergence(log_p_of({0.5}), 0.2).item<double>(), by_hand, 1e-12);
}

TEST(HaltingEntropy, IsLargestWhereAllPassesAreAlike) {
  EXPECT_NEAR(halting_entropy(log_p_of({1.0 / 3, 0.5})).item<double>(), std::log(3.0), 1e-12);
  EXPECT_NEAR(halting_entropy(log_p_of({0.5, 0.5})).item<double>(), 1.5 * std::log(2.0), 1e-12);
}

// Halts at the second of the passes it may halt at, with 0.4 left; the passes before the floor
// count.
TEST(PonderCost, IsThePassAndTheRemainder) {
  const Pondering pondering = ponder(scores_of({0.6, 0.5, 0.5}));
  EXPECT_NEAR(ponder_cost(pondering, 1).item<double>(), 2.4, 1e-12);
  EXPECT_NEAR(ponder_cost(pondering, 3).item<double>(), 4.4, 1e-12);
}

TEST(ExpectedPasses, CountFromTheFloor) {
  EXPECT_NEAR(expected_passes(log_p_of({0.25, 0.5}).exp(), 1).item<double>(),
              0.25 + 2 * 0.375 + 3 * 0.375, 1e-12);
  EXPECT_NEAR(expected_passes(log_p_of({0.25, 0.5}).exp(), 2).item<double>(),
              1 + 0.25 + 2 * 0.375 + 3 * 0.375, 1e-12);
}

TEST(HaltingLosses, GradientsAgreeWithDifferences) {
  const at::Tensor scores = at::tensor({0.3, -1.2, 0.1, 2.0, -0.4, 0.7}, at::kDouble)
                                .view({2, 3})
                                .set_requires_grad(true);
  const std::vector<at::Tensor> passes{nats({1, 2, 3}).set_requires_grad(true),
                                       nats({2, 1, 0.5}).set_requires_grad(true),
                                       nats({0.1, 1, 5}).set_requires_grad(true)};
  const auto check = [&](const auto& loss) { test::expect_gradients(loss, {scores}); };
  check([&] { return prior_divergence(log_exit_probabilities(scores), 0.2); });
  check([&] { return halting_entropy(log_exit_probabilities(scores)); });
  check([&] { return ponder_cost(ponder(scores), 1); });
  check([&] { return expected_nats(log_exit_probabilities(scores), passes).square().sum(); });
  test::expect_gradients(
      [&] { return expected_nats(log_exit_probabilities(scores), passes).square().sum(); }, passes);
}

}  // namespace
}  // namespace reprise
