// The knee by hand, without a gain, and over draws.
#include "eval/curves/knee.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

constexpr std::array kBudgets{0.1, 0.2, 0.5, 1.0};

TEST(Knee, IsTheLeastBudgetWithNineTenthsOfTheBest) {
  EXPECT_EQ(knee_budget(kBudgets, std::array{-0.5, -0.89, -0.9, -1.0}), 0.5);
  EXPECT_EQ(knee_budget(kBudgets, std::array{-1.0, -0.9, -0.2, 0.3}), 0.1);
  EXPECT_EQ(knee_budget(kBudgets, std::array{0.1, 0.0, 0.2, 0.3}), std::nullopt);
}

TEST(Knee, HasTheIntervalOfItsDraws) {
  const std::array effects{-0.5, -0.89, -0.9, -1.0};
  // Knees of the draws: 0.1, 0.5, none, 1.
  const std::vector<std::vector<double>> draws{
      {-1, -0.1, 0.1, -0.1}, {-1, -0.2, 0.1, -0.2}, {-1, -1, 0.1, -0.3}, {-1, -1, 0.1, -1}};
  const auto knee = find_knee(kBudgets, effects, draws, 0.95);
  ASSERT_TRUE(knee);
  EXPECT_EQ(knee->budget, 0.5);
  EXPECT_EQ(knee->budgets.low, 0.1);
  EXPECT_EQ(knee->budgets.high, 1.0);
  EXPECT_EQ(knee->found_share, 0.75);
}

}  // namespace
}  // namespace reprise
