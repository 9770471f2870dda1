// What each family is, by the model that it must equal.
#include <gmock/gmock.h>

#include "models/basis.h"
#include "models/network.h"
#include "models/pass_plan.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

using test::lively_parameters;
using test::relative_difference;
using test::some_tokens;

/// Loss, then the gradient of every parameter.
std::vector<at::Tensor> loss_and_gradients(const ModelOptions& options,
                                           const Parameters& parameters, at::ScalarType type) {
  const at::Tensor tokens = some_tokens(options, 2, 6);
  const Network network(options, parameters, type);
  const at::Tensor loss =
      network.cross_entropy(network.base_passes(tokens).features_BTD, tokens).sum();
  loss.backward();
  std::vector<at::Tensor> results{loss.detach()};
  for (const Parameter& parameter : parameters.list()) results.push_back(parameter.tensor.grad());
  return results;
}

at::Tensor features_of(const ModelOptions& options, const Parameters& parameters) {
  return Network(options, parameters, at::kDouble)
      .base_passes(some_tokens(options, 2, 6))
      .features_BTD;
}

TEST(Families, OneRecurrentPassIsTheStaticModelBitForBit) {
  ModelOptions fixed = test::tiny_static(), looped = fixed;
  looped.family = Family::kRecurrent;
  const auto run = [](const ModelOptions& options) {
    return loss_and_gradients(options, lively_parameters(options, at::kFloat), at::kFloat);
  };
  const auto first = run(fixed), second = run(looped);
  for (size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(at::equal(first[i], second[i])) << i;
}

/// Two passes of a core of one layer, laid out as four layers.
TEST(Families, ARelaxedModelIsAnUnsharedOneWhoseMatricesDifferByAChangeOfLowRank) {
  at::NoGradGuard no_grad;
  const ModelOptions relaxed = test::tiny_relaxed();
  ModelOptions unshared = test::tiny_static();
  unshared.rope_share = relaxed.rope_share;
  unshared.core = 2;
  const Parameters weights = lively_parameters(relaxed, at::kDouble);
  Parameters spread_out(unshared, 0, at::kCPU, at::kDouble);
  for (const Parameter& parameter : spread_out.list()) {
    const std::string_view name = parameter.name;
    if (!name.starts_with("layer.")) continue;
    const int64_t layer = name[6] - '0', pass = layer == 2 ? 1 : 0;
    const int64_t source = layer == 0 ? 0 : layer == 3 ? 2 : 1;
    const std::string rest(name.substr(8)), shared = scalar_name(source, rest);
    if (source != 1) {
      spread_out.assign(name, weights[shared]);
    } else if (parameter.role == Role::kMatrix) {
      const std::string change = change_name(shared, pass);
      spread_out.assign(
          name, weights[shared] + at::mm(weights[change + ".up"], weights[change + ".down"]));
    } else {
      spread_out.assign(name, weights[own_scalar_name(1, pass, rest)]);
    }
  }
  spread_out.assign("embedding", weights["embedding"]);
  EXPECT_LT(relative_difference(features_of(relaxed, weights), features_of(unshared, spread_out)),
            1e-13);
}

/// Every expert taken, by weights of sigmoid(0) = 1/2: the experts side by side in one MLP, whose
/// down matrix is halved. So are values and outputs.
TEST(Families, ExpertsThatAreAllTakenAreTheDenseSum) {
  at::NoGradGuard no_grad;
  ModelOptions mixture = test::tiny_moe_attention();
  mixture.experts.count = mixture.experts.top_k = 2;
  mixture.experts.attention_top_k = mixture.experts.attention_count = 2;
  ModelOptions dense = test::tiny_recurrent();  // an MLP of twice the width, as are two of 8
  Parameters weights = lively_parameters(mixture, at::kDouble);
  Parameters summed(dense, 0, at::kCPU, at::kDouble);
  for (const Parameter& parameter : weights.list())
    if (parameter.name.ends_with(".router"))
      weights.assign(parameter.name, at::zeros_like(parameter.tensor));
  const auto experts = [&](const std::string& matrix) {
    return std::vector<at::Tensor>{weights[expert_name(matrix, 0)],
                                   weights[expert_name(matrix, 1)]};
  };
  for (const Parameter& parameter : summed.list()) {
    const std::string& name = parameter.name;
    if (name == "layer.1.mlp.up")
      summed.assign(name, at::cat(experts(name)));
    else if (name == "layer.1.mlp.down")
      summed.assign(name, at::cat(experts(name), 1) / 2);
    else if (name == "layer.1.attention.value" || name == "layer.1.attention.output")
      summed.assign(name, (experts(name)[0] + experts(name)[1]) / 2);
    else
      summed.assign(name, weights[name]);
  }
  EXPECT_LT(relative_difference(features_of(mixture, weights), features_of(dense, summed)), 1e-13);
}

/// The same with routers that are not level, written out for the MLP.
TEST(Families, AnExpertCountsByItsSigmoid) {
  at::NoGradGuard no_grad;
  ModelOptions options = test::tiny_moe();
  options.experts.top_k = options.experts.count;
  const Parameters weights = lively_parameters(options, at::kDouble);
  const ExpertMlp experts = bind_expert_mlp(weights, options, "layer.1.", at::kDouble);
  const at::Tensor x = test::normal_tensor({7, 8}, 1, at::kDouble);
  at::Tensor expected = at::zeros({7, 8}, at::kDouble);
  for (int64_t e = 0; e < 3; ++e) {
    const at::Tensor inner =
        at::relu(at::linear(x, weights[expert_name("layer.1.mlp.up", e)])).square();
    const at::Tensor score = at::linear(x, weights["layer.1.mlp.router"][e].unsqueeze(0)).sigmoid();
    expected += score * at::linear(inner, weights[expert_name("layer.1.mlp.down", e)]);
  }
  EXPECT_LT(relative_difference(run_expert_mlp(experts, x, false, {}), expected), 1e-13);
}

TEST(Families, ARowGoesThroughTheExpertsItTakesAlone) {
  ModelOptions options = test::tiny_moe();
  options.experts = {.count = 4, .top_k = 1, .width = 8};
  const Parameters weights = lively_parameters(options, at::kDouble);
  const ExpertMlp experts = bind_expert_mlp(weights, options, "layer.1.", at::kDouble);
  RouterLog log;
  const at::Tensor x = test::normal_tensor({1, 8}, 1, at::kDouble);
  run_expert_mlp(experts, x, false, {1, &log}).sum().backward();
  const auto taken = log.at(0).chosen_MSK.item<int64_t>();
  for (int64_t e = 0; e < 4; ++e) {
    const at::Tensor gradient = weights[expert_name("layer.1.mlp.down", e)].grad();
    EXPECT_EQ(gradient.abs().max().item<double>() > 0, e == taken) << e;
  }
}

/// With as many terms as vectors, and the identity for a basis, terms are the matrices themselves.
TEST(Families, APartialModelOnTheWholeIdentityIsTheStaticModel) {
  at::NoGradGuard no_grad;
  ModelOptions partial = test::tiny_partial();
  partial.basis_rank = partial.basis_terms = partial.width;
  const ModelOptions fixed = test::tiny_static();
  Parameters weights = lively_parameters(partial, at::kDouble);
  weights.assign("basis", at::eye(8, at::kDouble));
  Parameters plain(fixed, 0, at::kCPU, at::kDouble);
  for (const Parameter& parameter : plain.list()) {
    const std::string& name = parameter.name;
    if (name.ends_with("mlp.up"))
      plain.assign(name, weights[name + ".terms"]);
    else if (name.ends_with("mlp.down"))
      plain.assign(name, weights[name + ".terms"].t());
    else
      plain.assign(name, weights[name]);
  }
  EXPECT_LT(relative_difference(features_of(partial, weights), features_of(fixed, plain)), 1e-13);
}

TEST(Basis, DrawsDistinctTermsForEachRow) {
  const at::Tensor chosen = draw_terms({400, 3, 8}, 5);
  EXPECT_TRUE(at::equal(chosen, draw_terms({400, 3, 8}, 5)));
  EXPECT_FALSE(at::equal(chosen, draw_terms({400, 3, 8}, 6)));
  EXPECT_TRUE((chosen.diff(1, 1) > 0).all().item<bool>()) << "ascending, so distinct";
  EXPECT_GE(chosen.min().item<int64_t>(), 0);
  EXPECT_LT(chosen.max().item<int64_t>(), 8);
  // 150 rows are expected to take each vector, with a deviation of 9.7.
  const at::Tensor counts = at::bincount(chosen.flatten());
  EXPECT_GT(counts.min().item<int64_t>(), 150 - 50);
  EXPECT_LT(counts.max().item<int64_t>(), 150 + 50);
  EXPECT_TRUE(at::equal(draw_terms({2, 4, 4}, 0), at::arange(4).expand({2, 4})));
}

TEST(Basis, ByHand) {
  const at::Tensor basis = at::tensor({1.0, 2.0, 10.0, 20.0, 100.0, 200.0}).view({3, 2});
  const at::Tensor chosen = at::tensor({0, 2, 1, 2}, at::kLong).view({2, 2});
  const at::Tensor built =
      built_from_basis(at::tensor({1.0, 1.0, 2.0, -1.0}).view({2, 2}), chosen, basis);
  EXPECT_TRUE(at::equal(built, at::tensor({101.0, 202.0, -80.0, -160.0}).view({2, 2})));
}

TEST(PassPlan, SaysWhatEveryFamilysLayersAreMadeOf) {
  const auto layers = [](const ModelOptions& options) { return make_pass_plan(options).layers; };
  for (const auto& options : {test::tiny_static(), test::tiny_recurrent()})
    for (const LayerPlan& layer : layers(options)) {
      EXPECT_EQ(layer.mlp, MlpKind::kDense);
      EXPECT_FALSE(layer.differs_by_pass());
    }
  const auto relaxed = layers(test::tiny_relaxed()), moe = layers(test::tiny_moe_attention());
  for (const size_t outer : {0u, 2u}) {
    EXPECT_FALSE(relaxed[outer].differs_by_pass());
    EXPECT_EQ(moe[outer].mlp, MlpKind::kDense);
    EXPECT_FALSE(moe[outer].attention_experts);
  }
  EXPECT_EQ(relaxed[1].change_rank, 2);
  EXPECT_TRUE(relaxed[1].own_scalars);
  EXPECT_EQ(moe[1].mlp, MlpKind::kExperts);
  EXPECT_TRUE(moe[1].attention_experts);
  for (const LayerPlan& layer : layers(test::tiny_partial())) EXPECT_EQ(layer.mlp, MlpKind::kBasis);
}

}  // namespace
}  // namespace reprise
