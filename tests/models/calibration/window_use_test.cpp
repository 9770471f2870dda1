// What a window says of a model: inputs against the layer written down, squared gradients against
// differences, every family.
#include "models/calibration/window_use.h"

#include <gmock/gmock.h>

#include <numeric>

#include "models/uncertainty.h"
#include "tests/models/gradient_check.h"
#include "tests/models/variants.h"

namespace reprise {
namespace {
using namespace test;

std::map<std::string, TensorCalibration> measured(const WindowUse& use, const at::Tensor& tokens) {
  std::vector<double> sums(static_cast<size_t>(use.layout().size()));
  use.add(tokens, sums);
  return calibration_of(use.layout(), sums, 1, tokens.size(1) - 1,
                        triangles_in(std::make_shared<const std::vector<double>>(sums)));
}

at::Tensor as_matrix(const std::vector<double>& hessian) {
  const auto columns = static_cast<int64_t>(std::sqrt(static_cast<double>(hessian.size())));
  return at::tensor(hessian, at::kDouble).view({columns, columns});
}

at::Tensor normed(const at::Tensor& x_D) { return x_D / (x_D.square().mean() + 1e-6).sqrt(); }

/// A core of one layer over windows of one token, whose attention gives back the token's own value:
/// by plain expressions, apart from the network.
class OneTokenLayer : public testing::Test {
 protected:
  static ModelOptions one_layer() {
    ModelOptions options = tiny_recurrent();
    options.prelude = options.coda = 0;
    return options;
  }
  at::Tensor of(const char* name) const { return parameters_[concat("layer.0.", name)].detach(); }

  /// One pass over the stream. A refinement reads the value that the last base pass kept.
  void run(at::Tensor& hidden_D, bool refines) {
    hidden_D = of("mix")[0] * hidden_D + of("mix")[1] * embedded_D_;
    const at::Tensor read_D = normed(hidden_D);
    see("attention.query", read_D);
    if (!refines) {
      see("attention.key", read_D);
      see("attention.value", read_D);
      value_E_ = at::mv(of("attention.value"), read_D);
    }
    const at::Tensor gathered_D = at::cat({value_E_, value_E_});  // of both query heads
    see("attention.output", gathered_D);
    hidden_D = hidden_D + of("attention.scale") * at::mv(of("attention.output"), gathered_D);
    const at::Tensor mlp_D = normed(hidden_D);
    see("mlp.up", mlp_D);
    const at::Tensor inner_F = at::relu(at::mv(of("mlp.up"), mlp_D)).square();
    see("mlp.down", inner_F);
    hidden_D = hidden_D + of("mlp.scale") * at::mv(of("mlp.down"), inner_F);
  }

  void run_passes(bool refines) {
    embedded_D_ = normed(parameters_["embedding"].detach()[kToken]);
    at::Tensor hidden_D = embedded_D_;
    for (int pass = 0; pass < 2; ++pass) run(hidden_D, false);
    expected_["embedding"].push_back(normed(hidden_D));
    if (!refines) return;
    run(hidden_D, true);
    expected_["embedding"].push_back(normed(hidden_D));
  }

  void see(const char* name, const at::Tensor& input) {
    expected_[concat("layer.0.", name)].push_back(input);
  }

  void expect_hessians(double refine_share) {
    run_passes(refine_share > 0);
    const auto found = measured(WindowUse(options_, parameters_, {refine_share}),
                                at::tensor({kToken, int64_t{4}}, at::kLong).view({1, 2}));
    for (const auto& [name, inputs] : expected_) {
      const at::Tensor rows_MC = at::stack(inputs);
      EXPECT_EQ(found.at(name).applications, rows_MC.size(0)) << name;
      const at::Tensor mean_CC = at::mm(rows_MC.t(), rows_MC) / rows_MC.size(0);
      EXPECT_LT(relative_difference(as_matrix(found.at(name).read_hessian()), mean_CC), 1e-12)
          << name;
    }
    EXPECT_EQ(expected_.size(), 7);
  }

  static constexpr int64_t kToken = 7;
  const ModelOptions options_ = one_layer();
  const Parameters parameters_ = lively_parameters(options_, at::kDouble);
  at::Tensor embedded_D_, value_E_;
  std::map<std::string, std::vector<at::Tensor>> expected_;
};

TEST_F(OneTokenLayer, HessiansSumOverThePasses) { expect_hessians(0); }
TEST_F(OneTokenLayer, TheRefinementMakesQueriesButNoKeys) { expect_hessians(1); }

TEST(WindowUse, OnlyRefinedRowsCountInTheRefinement) {
  const ModelOptions options = tiny_recurrent();
  const Parameters parameters = lively_parameters(options, at::kFloat);
  const auto found = measured(WindowUse(options, parameters, {0.5}), some_tokens(options, 1, 7));
  EXPECT_EQ(found.at("layer.0.attention.query").applications, 6);
  EXPECT_EQ(found.at("layer.1.attention.query").applications, 2 * 6 + 3);
  EXPECT_EQ(found.at("layer.1.attention.key").applications, 2 * 6);
  EXPECT_EQ(found.at("layer.2.mlp.down").applications, 6 + 3);
  EXPECT_EQ(found.at("embedding").applications, 6 + 3);
}

// (W + up down) x: the inputs of down are those of W in its pass, those of up are down x.
TEST(WindowUse, FactorsOfAChangeSeeTheirOwnPass) {
  const ModelOptions options = tiny_relaxed();
  const Parameters parameters = lively_parameters(options, at::kDouble);
  const auto found = measured(WindowUse(options, parameters, {}), some_tokens(options, 1, 7));
  const std::string matrix = "layer.1.mlp.up";
  at::Tensor both;
  for (int64_t pass = 0; pass < 2; ++pass) {
    const std::string change = change_name(matrix, pass);
    const TensorCalibration& down = found.at(change + ".down");
    EXPECT_EQ(down.applications, 6);
    const at::Tensor hessian = as_matrix(down.read_hessian());
    both = pass == 0 ? hessian : (both + hessian) / 2;
    const at::Tensor factor = parameters[change + ".down"].detach();
    EXPECT_LT(relative_difference(as_matrix(found.at(change + ".up").read_hessian()),
                                  at::mm(factor, at::mm(hessian, factor.t()))),
              1e-12);
  }
  EXPECT_LT(relative_difference(as_matrix(found.at(matrix).read_hessian()), both), 1e-12);
}

class WindowUseOf : public testing::TestWithParam<Variant> {};

/// Of four tokens, of which two are refined, against differences of the loss: in fp64, where these
/// are exact enough.
void expect_squared_gradients(const ModelOptions& options, std::vector<const char*> names) {
  const Parameters parameters = lively_parameters(options, at::kDouble);
  const at::Tensor tokens = some_tokens(options, 1, 5);
  const at::Tensor targets_T = tokens.flatten().narrow(0, 1, 4);
  at::Tensor rows_M;
  const auto loss = [&] {
    const Network network(options, parameters, at::kDouble);
    const BasePasses base = network.base_passes(tokens.narrow(1, 0, 4), {.keys = true});
    if (!rows_M.defined())
      rows_M = pick_most_uncertain(entropy_nats(network.logits(base.features_BTD)), 0.5);
    const at::Tensor refined_MD = network.refine_rows(base, rows_M);
    return network.cross_entropy(base.features_BTD.flatten(0, 1), targets_T).sum() +
           network.cross_entropy(refined_MD, targets_T.index_select(0, rows_M)).sum();
  };
  (void)loss();
  const auto found = measured(WindowUse(options, parameters, {0.5}), tokens);
  for (const char* name : names) {
    const at::Tensor gradient = numeric_gradient(loss, parameters[name].detach());
    const at::Tensor squares = (gradient.square() / 4).view({-1, gradient.size(-1)});
    const TensorCalibration& tensor = found.at(name);
    const at::Tensor rows = at::tensor(tensor.row_sensitivity);
    const at::Tensor columns = at::tensor(tensor.column_sensitivity);
    EXPECT_LT(relative_difference(rows, squares.mean(1)), 1e-5) << name;
    EXPECT_LT(relative_difference(columns * rows.mean(), squares.mean(0)), 1e-5) << name;
  }
}

TEST(WindowUse, SensitivityOfATiedTableIsThatOfLookupAndHead) {
  expect_squared_gradients(tiny_recurrent(), {"embedding", "layer.1.attention.gain"});
}

TEST_P(WindowUseOf, HasEveryTensorInItsSizes) {
  const ModelOptions& options = GetParam().options;
  const Parameters parameters = lively_parameters(options, at::kFloat);
  const auto found = measured(WindowUse(options, parameters, {0.5}), some_tokens(options, 1, 7));
  ASSERT_EQ(found.size(), parameters.list().size());
  for (const Parameter& parameter : parameters.list()) {
    const TensorCalibration& tensor = found.at(parameter.name);
    const auto columns = static_cast<size_t>(parameter.tensor.size(-1));
    EXPECT_EQ(tensor.column_sensitivity.size(), columns) << parameter.name;
    EXPECT_EQ(tensor.row_sensitivity.size() * columns,
              static_cast<size_t>(parameter.tensor.numel()))
        << parameter.name;
    if (!tensor.read_hessian) continue;
    EXPECT_EQ(tensor.read_hessian().size(), columns * columns) << parameter.name;
    EXPECT_NE(parameter.role, Role::kScalar) << parameter.name;
  }
}

TEST_P(WindowUseOf, SensitivityIsTheSquaredGradientOfTheLoss) {
  expect_squared_gradients(GetParam().options, {"layer.1.attention.key"});
}

INSTANTIATE_TEST_SUITE_P(Variants, WindowUseOf, testing::ValuesIn(variants()), variant_name);

}  // namespace
}  // namespace reprise
