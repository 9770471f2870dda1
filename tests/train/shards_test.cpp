#include "train/shards.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace reprise {
namespace {
using testing::ElementsAre;

Parameter parameter(const std::string& name, Role role, const std::vector<int64_t>& shape) {
  return {name, role, at::zeros(shape).set_requires_grad(true)};
}

std::vector<Parameter> a_few() {
  return {parameter("embedding", Role::kEmbedding, {32, 16}),
          parameter("a", Role::kMatrix, {16, 16}), parameter("gain", Role::kScalar, {16}),
          parameter("b", Role::kMatrix, {48, 16}), parameter("c", Role::kMatrix, {16, 16})};
}

TEST(Shards, TheLargestGoesFirstToTheLeastLoaded) {
  const std::vector<int64_t> loads{3, 9, 4, 4, 1};
  // 9 to rank 0; 4, 4 and 3 to rank 1, which has 0, 4, 8 before them; 1 to rank 0, which has 9
  // of 11.
  EXPECT_THAT(assign_largest_first(loads, 2), ElementsAre(1, 0, 1, 1, 0));
  EXPECT_THAT(assign_largest_first(loads, 1), ElementsAre(0, 0, 0, 0, 0));
  EXPECT_THAT(assign_largest_first(std::vector<int64_t>{5, 5, 5}, 4), ElementsAre(0, 1, 2));
}

TEST(Shards, NoRankHasMoreThanTheMeanAndTheLargestLoad) {
  std::vector<int64_t> loads;
  for (int64_t i = 0; i < 200; ++i) loads.push_back((i * 7919) % 1009);
  const int64_t sum = std::accumulate(loads.begin(), loads.end(), int64_t{0});
  for (const int ranks : {2, 3, 8}) {
    std::vector<int64_t> load_of(static_cast<size_t>(ranks));
    const auto rank_of = assign_largest_first(loads, ranks);
    for (size_t i = 0; i < loads.size(); ++i) load_of[static_cast<size_t>(rank_of[i])] += loads[i];
    EXPECT_LE(std::ranges::max(load_of), sum / ranks + std::ranges::max(loads));
    EXPECT_EQ(std::accumulate(load_of.begin(), load_of.end(), int64_t{0}), sum);
  }
}

TEST(Shards, ABatchOfMuonStaysTogetherAndMatricesUnderAdamWDoNot) {
  const auto all = a_few();
  // State elements: embedding 1024, gain 32, batch {a, c} 512, b 768.
  EXPECT_THAT(plan_owners({}, all, 4), ElementsAre(0, 2, 3, 1, 2));
  EXPECT_THAT(plan_owners({}, all, 2), ElementsAre(0, 1, 0, 1, 1));
  // Twice the elements each: embedding 1024, b 1536, a and c 512, gain 32.
  EXPECT_THAT(plan_owners({.matrices = MatrixOptimiser::kAdamW}, all, 4),
              ElementsAre(1, 2, 2, 0, 3));
}

TEST(Shards, TheNamesOfStatesAreThoseTheOptimiserGives) {
  for (const auto matrices : {MatrixOptimiser::kMuon, MatrixOptimiser::kAdamW}) {
    const OptimiserOptions options{.matrices = matrices};
    const auto all = a_few();
    std::multiset<std::string> named, kept;
    for (const auto& one : all)
      for (const auto& name : state_names(options, one)) named.insert(name);
    for (const auto& tensor : Optimiser(options, all, at::kFloat).state()) kept.insert(tensor.name);
    EXPECT_EQ(named, kept);
    EXPECT_EQ(state_names({.ema = 0.9}, all[0]).back(), "average.embedding");
  }
}

}  // namespace
}  // namespace reprise
