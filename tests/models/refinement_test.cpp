// The sparse refinement pass against its definition, the masked-dense one, in values and in every
// gradient, under every rule.
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
  KeyRule rule;
  at::ScalarType type;
  Selection selection;
};

std::vector<Case> cases(const std::vector<Selection>& selections) {
  std::vector<Case> all;
  for (const test::Variant& variant : test::variants())
    for (const auto& [rule, name] : EnumNames<KeyRule>::names)
      for (at::ScalarType type : {at::kDouble, at::kFloat})
        for (const Selection& selection : selections)
          all.push_back({variant, rule, type, selection});
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
        tolerance_(GetParam().type == at::kDouble ? 1e-12 : 3e-5) {}

  RefineOptions rule() const { return {.rule = GetParam().rule}; }

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
        sparse ? network.refine_rows(base, rows_M_, GetParam().rule)
               : pick(network.refine_masked(base, mask_BT_, rule()).features_BTD);
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
  const at::Tensor masked = network.refine_masked(base, mask_BT_, rule()).features_BTD;
  const at::Tensor mask = mask_BT_.unsqueeze(-1);
  EXPECT_EQ(
      relative_difference(masked.masked_select(~mask), base.features_BTD.masked_select(~mask)), 0);
  EXPECT_GT(relative_difference(network.refine_all(base, GetParam().rule), base.features_BTD),
            1e-3);
}

/// Of fewer selections.
using FurtherRefinementTest = RefinementTest;

TEST_P(FurtherRefinementTest, RowsOfOtherSequencesMatterToNone) {
  at::NoGradGuard no_grad;
  const Network network(options_, lively_parameters(options_, GetParam().type), GetParam().type);
  const BasePasses base =
      network.base_passes(some_tokens(options_, kSequences, kLength), {.keys = true});
  const at::Tensor together = network.refine_rows(base, rows_M_, GetParam().rule);
  for (int64_t b = 0; b < kSequences; ++b) {
    const at::Tensor own = at::floor_divide(rows_M_, kLength) == b;
    const at::Tensor alone = network.refine_rows(base, rows_M_.masked_select(own), GetParam().rule);
    EXPECT_LT(relative_difference(alone, together.index({own})), tolerance_);
  }
}

TEST_P(FurtherRefinementTest, AFurtherPassOverNestedRowsEqualsMaskedDense) {
  at::NoGradGuard no_grad;
  const Network network(options_, lively_parameters(options_, GetParam().type), GetParam().type);
  BasePasses sparse =
      network.base_passes(some_tokens(options_, kSequences, kLength), {.keys = true});
  BasePasses dense = sparse;
  at::Tensor rows_M = rows_M_, mask_BT = mask_BT_;
  for (int pass = 2; pass <= 4; ++pass) {
    sparse = network.advance(sparse, network.refine(sparse, rows_M, rule()));
    dense = network.refine_masked(dense, mask_BT, rule());
    EXPECT_LT(relative_difference(sparse.features_BTD, dense.features_BTD), pass * tolerance_)
        << pass;
    rows_M = rows_M.slice(0, 0, c10::nullopt, 2);  // every other one goes on
    mask_BT = at::zeros_like(mask_BT).flatten().index_fill(0, rows_M, true).view_as(mask_BT);
  }
}

TEST_P(FurtherRefinementTest, TheCodaMayRunOnceBehindAll) {
  if (options_.readout == Readout::kSum) return;  // below: refused
  at::NoGradGuard no_grad;
  const RefineOptions once{.rule = GetParam().rule, .coda = CodaRun::kOnce};
  const Network network(options_, lively_parameters(options_, GetParam().type), GetParam().type);
  const BasePasses base = network.base_passes(some_tokens(options_, kSequences, kLength),
                                              {.keys = true}, {.coda = false});
  EXPECT_FALSE(base.features_BTD.defined());
  const at::Tensor sparse =
      network.finish(network.advance(base, network.refine(base, rows_M_, once)));
  EXPECT_LT(
      relative_difference(sparse, network.finish(network.refine_masked(base, mask_BT_, once))),
      tolerance_);
  if (rows_M_.numel() == 0) {
    EXPECT_EQ(
        relative_difference(
            sparse, network.base_passes(some_tokens(options_, kSequences, kLength)).features_BTD),
        0);
  }
}

std::string case_name(const testing::TestParamInfo<Case>& test) {
  std::string rule(enum_name(test.param.rule));
  std::erase(rule, '-');
  return concat(test.param.variant.name, "_", rule, "_", c10::toString(test.param.type), "_",
                test.param.selection.name);
}

INSTANTIATE_TEST_SUITE_P(All, RefinementTest, testing::ValuesIn(cases(selections())), case_name);
INSTANTIATE_TEST_SUITE_P(All, FurtherRefinementTest,
                         testing::ValuesIn(cases({selections().front(), selections()[5]})),
                         case_name);

class RefinementOf : public testing::Test {
 protected:
  const ModelOptions options_ = test::tiny_recurrent();
  const Network network_{options_, lively_parameters(options_, at::kDouble), at::kDouble};
  at::NoGradGuard no_grad_;
};

TEST_F(RefinementOf, ALaterTokenChangesNoEarlierRow) {
  const at::Tensor rows = at::tensor({0, 2, 3, 5}, at::kLong), tokens = some_tokens(options_, 1, 6);
  for (const auto& [rule, name] : EnumNames<KeyRule>::names)
    for (int64_t changed = 1; changed < 6; ++changed) {
      at::Tensor others = tokens.clone();
      others[0][changed] = (others[0][changed] + 1) % options_.vocab;
      const auto early = [&](const at::Tensor& text) {
        return network_.refine_rows(network_.base_passes(text, {.keys = true}), rows, rule)
            .index({rows < changed});
      };
      EXPECT_EQ(relative_difference(early(others), early(tokens)), 0) << name;
    }
}

TEST_F(RefinementOf, UnderCoarseARowDependsOnNoOtherPickedRow) {
  const BasePasses base = network_.base_passes(some_tokens(options_, 2, 6), {.keys = true});
  const at::Tensor rows_M = at::tensor({0, 2, 3, 8, 9, 11}, at::kLong);
  const auto change = [&](KeyRule rule) {
    return relative_difference(network_.refine_rows(base, rows_M.slice(0, 2, 3), rule)[0],
                               network_.refine_rows(base, rows_M, rule)[2]);
  };
  EXPECT_LT(change(KeyRule::kCoarse), 1e-12);
  for (const KeyRule rule :
       {KeyRule::kLatest, KeyRule::kSameDepth, KeyRule::kDuo, KeyRule::kCopyState})
    EXPECT_GT(change(rule), 1e-4) << enum_name(rule);
}

TEST_F(RefinementOf, TheRulesDiffer) {
  const BasePasses base = network_.base_passes(some_tokens(options_, 2, 6), {.keys = true});
  const at::Tensor rows_M = at::tensor({0, 2, 3, 8, 9, 11}, at::kLong);
  std::vector<at::Tensor> readouts;
  for (const auto& [rule, name] : EnumNames<KeyRule>::names) {
    const at::Tensor readout = network_.refine_rows(base, rows_M, rule);
    for (const at::Tensor& other : readouts) EXPECT_GT(relative_difference(readout, other), 1e-4);
    readouts.push_back(readout);
  }
}

/// With every row refined three rules are one more base pass.
TEST(RefinementOfAll, EqualsOneMoreBasePass) {
  at::NoGradGuard no_grad;
  for (const test::Variant& variant : test::variants()) {
    const ModelOptions& options = variant.options;
    if (options.halting != Halting::kNone) continue;  // one more pass is one more to halt at
    const Network network(options, lively_parameters(options, at::kDouble), at::kDouble);
    const at::Tensor tokens = some_tokens(options, kSequences, kLength);
    const BasePasses base = network.base_passes(tokens, {.keys = true});
    const at::Tensor deeper =
        network.base_passes(tokens, {}, {.passes = options.passes + 1}).features_BTD;
    for (const KeyRule rule : {KeyRule::kLatest, KeyRule::kSameDepth, KeyRule::kCopyState})
      EXPECT_LT(relative_difference(network.refine_all(base, rule), deeper), 1e-12)
          << variant.name << " " << enum_name(rule);
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

TEST(RefinementWithSums, TheCodaOnceIsRefused) {
  ModelOptions options = test::tiny_recurrent();
  options.readout = Readout::kSum;
  const Network network(options, lively_parameters(options, at::kDouble), at::kDouble);
  const BasePasses base = network.base_passes(some_tokens(options, 2, 6), {.keys = true});
  EXPECT_THROW(network.refine(base, at::tensor({1}, at::kLong), {.coda = CodaRun::kOnce}), Error);
  EXPECT_THROW(network.base_passes(some_tokens(options, 2, 6), {}, {.coda = false}), Error);
}

}  // namespace
}  // namespace reprise
