#include "models/routing.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

using testing::ElementsAre;

std::vector<int64_t> values_of(const at::Tensor& x) {
  const at::Tensor flat = x.contiguous().flatten();
  return {flat.const_data_ptr<int64_t>(), flat.const_data_ptr<int64_t>() + flat.numel()};
}

TEST(Routing, TakesTheLargestAndSortsByExpert) {
  const at::Tensor logits =
      at::tensor({1.0, 3.0, 2.0, 5.0, 0.0, 4.0, -1.0, 2.0, 1.0}, at::kDouble).view({3, 1, 3});
  const Routing routing = route(logits, 2);
  EXPECT_THAT(values_of(routing.chosen_MSK), ElementsAre(1, 2, 0, 2, 1, 2));
  // Expert 0 has row 1, expert 1 rows 0 and 2, expert 2 all three, each from a multiple of 16.
  EXPECT_THAT(routing.offsets, ElementsAre(0, 16, 32, 48));
  EXPECT_THAT(values_of(routing.slots_MSK), ElementsAre(16, 32, 0, 33, 17, 34));
  const at::Tensor expected = at::tensor({3.0, 2.0, 5.0, 4.0, 2.0, 1.0}, at::kDouble).sigmoid();
  EXPECT_TRUE(at::equal(routing.weights_MSK.flatten(), expected));
}

TEST(Routing, KeepsTheSetsOfAnExpertApart) {
  // Two sets of two experts: slots are sorted by expert, then by set.
  const at::Tensor logits =
      at::tensor({1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0}, at::kDouble).view({2, 2, 2});
  const Routing routing = route(logits, 1);
  EXPECT_THAT(values_of(routing.chosen_MSK), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(routing.offsets, ElementsAre(0, 16, 32, 32, 48));
  EXPECT_THAT(values_of(routing.slots_MSK), ElementsAre(0, 32, 1, 16));
}

TEST(Routing, OfManyRowsGivesEveryChoiceASlotOfItsGroup) {
  const at::Tensor logits = test::normal_tensor({200, 2, 5}, 3, at::kFloat);
  const Routing routing = route(logits, 3);
  const auto slots = values_of(routing.slots_MSK), chosen = values_of(routing.chosen_MSK);
  std::vector<int64_t> last(10, -1);
  for (size_t a = 0; a < slots.size(); ++a) {
    const size_t group = static_cast<size_t>(chosen[a]) * 2 + a / 3 % 2;
    EXPECT_GE(slots[a], routing.offsets[group]);
    EXPECT_LT(slots[a], routing.offsets[group + 1]);
    EXPECT_GT(slots[a], last[group]) << "rows of a group are in another order";
    last[group] = slots[a];
  }
  for (const int64_t offset : routing.offsets) EXPECT_EQ(offset % kGroupSlots, 0);
}

TEST(Routing, OfNoRowsIsEmpty) {
  const Routing routing = route(at::zeros({0, 1, 3}), 2);
  EXPECT_EQ(routing.slots(), 0);
  EXPECT_EQ(routing.slots_MSK.sizes(), at::IntArrayRef({0, 1, 2}));
}

TEST(Routing, RefusesMoreExpertsThanThereAre) {
  EXPECT_THROW(route(at::zeros({2, 1, 3}), 4), Error);
  EXPECT_THROW(route(at::zeros({2, 1, 3}), 0), Error);
}

}  // namespace
}  // namespace reprise
