// The sparse refinement pass against its definition, the masked-dense one, in values and in every
// gradient.
#include <gmock/gmock.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "tests/models/variants.h"

namespace reprise {
namespace {

using test::lively_parameters;
using test::relative_difference;
using test::some_tokens;

constexpr int64_t kSequences = 3, kLength = 6;

/// A selection of the 18 positions, by name.
struct Selection {
  std::string name;
  std::vector<int64_t> rows;
};

std::vector<Selection> selections() {
  std::vector<int64_t> all(kSequences * kLength), random;
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  const RandomStream stream(5, Purpose::kTest);
  for (int64_t row : all)
    if (stream.uniform(static_cast<uint64_t>(row)) < 0.3) random.push_back(row);
  return {
      {"empty", {}},         {"full", all},      {"single", {9}},           {"first", {0, 6, 12}},
      {"last", {5, 11, 17}}, {"random", random}, {"oneSequence", {6, 7, 9}}};
}

struct Case {
  test::Variant variant;
  at::ScalarType type;
  Selection selection;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const test::Variant& variant : test::variants())
    for (at::ScalarType type : {at::kDouble, at::kFloat})
      for (const Selection& selection : selections()) all.push_back({variant, type, selection});
  return all;
}

class RefinementTest : public testing::TestWithParam<Case> {
 protected:
  RefinementTest()
      : options_(GetParam().variant.options),
        rows_M_(at::tensor(GetParam().selection.rows, at::kLong)),
        mask_BT_(at::zeros({kSequences * kLength}, at::kBool)
                     .index_fill(0, rows_M_, true)
                     .view({kSequences, kLength})),
        tolerance_(GetParam().type == at::kDouble ? 1e-12 : 1e-5) {}

  /// Rows of a masked-dense readout in the packed order.
  at::Tensor pick(const at::Tensor& features_BTD) {
    return features_BTD.flatten(0, 1).index_select(0, rows_M_);
  }

  /// A loss over the refined rows and over every coarse position, and its gradients.
  std::vector<at::Tensor> loss_and_gradients(bool sparse) {
    const Parameters parameters = lively_parameters(options_, GetParam().type);
    const Network network(options_, parameters, GetParam().type);
    const at::Tensor tokens = some_tokens(options_, kSequences, kLength);
    const BasePasses base = network.base_passes(tokens, {.keys = true});
    const at::Tensor refined_MD =
        sparse ? network.refine_rows(base, rows_M_) : pick(network.refine_masked(base, mask_BT_));
    const at::Tensor targets_M = tokens.flatten().index_select(0, rows_M_);
    const at::Tensor loss = network.cross_entropy(refined_MD, targets_M).sum() +
                            0.5 * network.cross_entropy(base.features_BTD, tokens).sum();
    loss.backward();
    std::vector<at::Tensor> results{refined_MD.detach(), loss.detach()};
    for (const at::Tensor& weight : test::read_weights(parameters, options_))
      results.push_back(weight.grad());
    return results;
  }

  ModelOptions options_;
  at::Tensor rows_M_, mask_BT_;
  double tolerance_;
};

TEST_P(RefinementTest, SparseEqualsMaskedDense) {
  const auto sparse = loss_and_gradients(true), dense = loss_and_gradients(false);
  for (size_t i = 0; i < sparse.size(); ++i) {
    ASSERT_TRUE(sparse[i].defined() && dense[i].defined()) << i;
    EXPECT_LT(relative_difference(sparse[i], dense[i]), tolerance_) << i;
  }
}

TEST_P(RefinementTest, UnpickedPositionsKeepTheCoarseReadout) {
  at::NoGradGuard no_grad;
  const Network network(options_, lively_parameters(options_, GetParam().type), GetParam().type);
  const BasePasses base =
      network.base_passes(some_tokens(options_, kSequences, kLength), {.keys = true});
  const at::Tensor masked = network.refine_masked(base, mask_BT_), all = network.refine_all(base);
  const at::Tensor mask = mask_BT_.unsqueeze(-1);
  EXPECT_LT(relative_difference(masked, at::where(mask, all, base.features_BTD)), tolerance_);
  EXPECT_GT(relative_difference(all, base.features_BTD), 1e-3);
}

TEST_P(RefinementTest, ARowDependsOnNoOtherPickedRow) {
  at::NoGradGuard no_grad;
  const Network network(options_, lively_parameters(options_, GetParam().type), GetParam().type);
  const BasePasses base =
      network.base_passes(some_tokens(options_, kSequences, kLength), {.keys = true});
  const at::Tensor together = network.refine_rows(base, rows_M_);
  for (int64_t m = 0; m < rows_M_.size(0); ++m)
    EXPECT_LT(
        relative_difference(network.refine_rows(base, rows_M_.slice(0, m, m + 1))[0], together[m]),
        tolerance_);
}

INSTANTIATE_TEST_SUITE_P(All, RefinementTest, testing::ValuesIn(cases()), [](const auto& test) {
  return concat(test.param.variant.name, "_", c10::toString(test.param.type), "_",
                test.param.selection.name);
});

class RefinementOf : public testing::Test {
 protected:
  const ModelOptions options_ = test::tiny_recurrent();
  const Network network_{options_, lively_parameters(options_, at::kDouble), at::kDouble};
  at::NoGradGuard no_grad_;
};

TEST_F(RefinementOf, ALaterTokenChangesNoEarlierRow) {
  const at::Tensor rows = at::arange(6, at::kLong), tokens = some_tokens(options_, 1, 6);
  const at::Tensor before =
      network_.refine_rows(network_.base_passes(tokens, {.keys = true}), rows);
  for (int64_t changed = 1; changed < 6; ++changed) {
    at::Tensor others = tokens.clone();
    others[0][changed] = (others[0][changed] + 1) % options_.vocab;
    const at::Tensor after =
        network_.refine_rows(network_.base_passes(others, {.keys = true}), rows);
    EXPECT_EQ(relative_difference(after.slice(0, 0, changed), before.slice(0, 0, changed)), 0);
  }
}

TEST_F(RefinementOf, WrongRowsIsRefused) {
  const BasePasses base = network_.base_passes(some_tokens(options_, 2, 6), {.keys = true});
  for (const std::vector<int64_t>& rows : {std::vector<int64_t>{3, 1}, {2, 2}, {-1, 2}, {4, 12}})
    EXPECT_THROW(network_.refine_rows(base, at::tensor(rows, at::kLong)), Error);
}

TEST_F(RefinementOf, PassesThatKeptNoKeysIsRefused) {
  const BasePasses base = network_.base_passes(some_tokens(options_, 2, 6));
  EXPECT_THROW(network_.refine_rows(base, at::tensor({1}, at::kLong)), Error);
  EXPECT_THROW(network_.refine_all(base), Error);
}

}  // namespace
}  // namespace reprise
