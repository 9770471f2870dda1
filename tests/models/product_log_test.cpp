// What a network says its matrices multiplied, against their gradients: of y = W x over rows x, the
// gradient of W is a sum of g x^T, so every row of it is a combination of the rows x.
#include "models/product_log.h"

#include <gmock/gmock.h>
#include <torch/csrc/autograd/autograd.h>

#include <set>

#include "models/layer_weights.h"
#include "tests/models/variants.h"

namespace reprise {
namespace {
using namespace test;
using testing::Contains;
using testing::Not;

/// Whether the tensor is also used in another way than as a matrix that rows are multiplied by.
bool is_used_otherwise(const std::string& name, const ModelOptions& options) {
  return name == "embedding.projection" || (name == "embedding" && options.tied);
}

class ProductLogOf : public testing::TestWithParam<Variant> {
 protected:
  ProductLogOf() : options_(GetParam().options) {}

  /// Two tokens and the refinement of one, so that few rows span little of what they could.
  at::Tensor loss(const Network& network) const {
    const BasePasses base = network.base_passes(tokens(), {.keys = true});
    const at::Tensor refined_MD = network.refine_rows(base, at::ones({1}, at::kLong));
    return network.cross_entropy(base.features_BTD, tokens()).sum() +
           network.cross_entropy(refined_MD, at::ones({1}, at::kLong)).sum();
  }
  at::Tensor tokens() const { return some_tokens(options_, 1, 2); }

  ModelOptions options_;
  Parameters parameters_ = lively_parameters(options_, at::kDouble);
};

TEST_P(ProductLogOf, GradientsLieInTheSpanOfTheInputs) {
  ProductLog log;
  const at::Tensor nats = loss(Network(options_, parameters_, at::kDouble, &log));
  std::map<std::string, std::vector<at::Tensor>> inputs;
  for (const ProductUse& use : log) inputs[use.matrix].push_back(use.inputs_MC);
  int64_t compared = 0;
  for (const auto& [name, rows] : inputs) {
    const at::Tensor matrix = parameters_[name], inputs_MC = at::cat(rows);
    ASSERT_EQ(inputs_MC.size(1), matrix.size(1)) << name;
    EXPECT_FALSE(inputs_MC.requires_grad()) << name;
    if (is_used_otherwise(name, options_) || inputs_MC.size(0) >= matrix.size(1)) continue;
    const at::Tensor gradient =
        torch::autograd::grad({nats}, {matrix}, {}, /*retain_graph=*/true, false, true)[0];
    if (inputs_MC.size(0) == 0) {  // an expert that nobody took
      EXPECT_EQ(gradient.abs().max().item<double>(), 0) << name;
      continue;
    }
    const at::Tensor in_span = at::matmul(gradient, at::matmul(at::pinverse(inputs_MC), inputs_MC));
    EXPECT_GT(gradient.abs().max().item<double>(), 0) << name;
    EXPECT_LT(relative_difference(in_span, gradient), 1e-8) << name;
    ++compared;
  }
  EXPECT_GE(compared, options_.family == Family::kPartial ? 4 : 6);
}

TEST_P(ProductLogOf, EveryMatrixIsThereThatMultipliesAsItIsStored) {
  ProductLog log;
  (void)loss(Network(options_, parameters_, at::kDouble, &log));
  std::set<std::string> names;
  for (const ProductUse& use : log) names.insert(use.matrix);
  for (const Parameter& parameter : parameters_.list()) {
    const std::string& name = parameter.name;
    const bool built = name == "basis" || name.ends_with(".terms") || name == "head.projection" ||
                       name.find(".lora.") != name.npos || (name == "embedding" && !options_.tied);
    if (parameter.role == Role::kScalar || built)
      EXPECT_THAT(names, Not(Contains(name)));
    else
      EXPECT_THAT(names, Contains(name));
  }
}

TEST_P(ProductLogOf, ChangesNothing) {
  ProductLog log;
  const at::Tensor with = loss(Network(options_, parameters_, at::kDouble, &log));
  EXPECT_TRUE(at::equal(with, loss(Network(options_, parameters_, at::kDouble))));
}

INSTANTIATE_TEST_SUITE_P(Variants, ProductLogOf, testing::ValuesIn(variants()), variant_name);

int64_t rows_of(const ProductLog& log, const std::string& matrix) {
  int64_t rows = 0;
  for (const ProductUse& use : log)
    if (use.matrix == matrix) rows += use.inputs_MC.size(0);
  return rows;
}

TEST(ProductLog, CountsEveryPassAndOfTheRefinementThePickedRows) {
  const ModelOptions options = tiny_recurrent();
  ProductLog log;
  const Network network(options, lively_parameters(options, at::kDouble), at::kDouble, &log);
  const BasePasses base = network.base_passes(some_tokens(options, 2, 6), {.keys = true});
  EXPECT_EQ(rows_of(log, "layer.0.attention.key"), 12);
  EXPECT_EQ(rows_of(log, "layer.1.attention.key"), 24);
  EXPECT_EQ(rows_of(log, "layer.1.mlp.down"), 24);
  EXPECT_EQ(rows_of(log, "embedding"), 0);
  (void)network.refine_rows(base, at::tensor({1, 4, 11}, at::kLong));
  EXPECT_EQ(rows_of(log, "layer.0.attention.query"), 12);
  EXPECT_EQ(rows_of(log, "layer.1.attention.query"), 27);
  EXPECT_EQ(rows_of(log, "layer.1.attention.key"), 24);  // a refined row makes no keys
  EXPECT_EQ(rows_of(log, "layer.1.attention.value"), 24);
  EXPECT_EQ(rows_of(log, "layer.1.attention.output"), 27);
  EXPECT_EQ(rows_of(log, "layer.2.mlp.up"), 15);
}

// Each of 6 positions takes 2 of 3 experts; of the value projection's one head 1 of 3, of the
// output's two heads 1 of 3 each, where a position that takes one expert twice counts once.
TEST(ProductLog, AnExpertSeesTheRowsThatTookIt) {
  ModelOptions options = tiny_moe_attention();
  options.passes = 1;
  ProductLog log;
  const Network network(options, lively_parameters(options, at::kDouble), at::kDouble, &log);
  const BasePasses base = network.base_passes(some_tokens(options, 1, 6), {.routers = true});
  const auto rows_of_all = [&](const char* matrix) {
    int64_t rows = 0;
    for (int64_t expert = 0; expert < 3; ++expert)
      rows += rows_of(log, expert_name(matrix, expert));
    return rows;
  };
  EXPECT_EQ(rows_of_all("layer.1.mlp.up"), 12);
  EXPECT_EQ(rows_of_all("layer.1.mlp.down"), 12);
  EXPECT_EQ(rows_of_all("layer.1.attention.value"), 6);
  EXPECT_GE(rows_of_all("layer.1.attention.output"), 6);
  EXPECT_LE(rows_of_all("layer.1.attention.output"), 12);
  const at::Tensor chosen_M2 = base.routers.back().chosen_MSK.flatten(1);
  for (int64_t expert = 0; expert < 3; ++expert)
    EXPECT_EQ(rows_of(log, expert_name("layer.1.mlp.up", expert)),
              (chosen_M2 == expert).sum().item<int64_t>());
}

}  // namespace
}  // namespace reprise
