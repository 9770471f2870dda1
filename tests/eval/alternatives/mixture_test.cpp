#include "eval/alternatives/mixture.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/eval/alternatives/made_logits.h"

namespace reprise {
namespace {

TEST(Mixture, IsTheMeanOfProbabilities) {
  const std::vector<std::vector<double>> predictions{{std::log(0.5), std::log(0.2)},
                                                     {std::log(0.1), std::log(0.6)}};
  const auto nats = mixture_nats(predictions);
  EXPECT_NEAR(nats[0], -std::log(0.3), 1e-15);
  EXPECT_NEAR(nats[1], -std::log(0.4), 1e-15);
}

TEST(Mixture, OfEqualsIsEachToTheLastBit) {
  const at::Tensor logits_NV = made_logits(200, 7, 5);
  const auto one = target_log_probabilities(logits_NV, drawn_targets(logits_NV));
  for (const size_t count : {1, 2, 3, 7, 64}) {
    const auto nats = mixture_nats(std::vector(count, one));
    for (size_t n = 0; n < one.size(); ++n) EXPECT_EQ(nats[n], -one[n]) << count;
  }
}

TEST(Mixture, HoldsWhereOneGivesNoHope) {
  const std::vector<std::vector<double>> predictions{{-2000.0}, {-1.0}, {-3000.0}, {-2500.0}};
  EXPECT_NEAR(mixture_nats(predictions)[0], 1 + std::log(4), 1e-12);
}

TEST(Change, ScalesByWhatIsPickedAndAddsTheBias) {
  const at::Tensor logits_NV = at::tensor({1.0, 2.0, 3.0, 4.0}, at::kDouble).view({2, 2});
  const ReadoutChange change{0.5, 2, at::tensor({10.0, 0.0}, at::kDouble)};
  const std::vector<uint8_t> picked{0, 1};
  const at::Tensor expected = at::tensor({10.5, 1.0, 16.0, 8.0}, at::kDouble).view({2, 2});
  EXPECT_TRUE(changed(logits_NV, change, picked).equal(expected));
}

TEST(TargetLogProbabilities, AreThoseOfASoftmax) {
  const at::Tensor logits_NV = at::tensor({0.0, std::log(3.0)}, at::kDouble).view({1, 2});
  EXPECT_NEAR(target_log_probabilities(logits_NV, at::tensor({1}, at::kLong))[0], std::log(0.75),
              1e-15);
}

}  // namespace
}  // namespace reprise
