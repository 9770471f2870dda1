#include "train/optimiser.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace reprise {
namespace {
using nlohmann::json;

at::Tensor leaf(const at::Tensor& values) { return values.clone().set_requires_grad(true); }

at::Tensor tensor_of(const json& values, const json& shape) {
  return at::tensor(values.get<std::vector<float>>()).view(shape.get<std::vector<int64_t>>());
}

json golden() { return json::parse(read_file(GOLDEN_DIR "/optimiser.json")); }

/// Runs `step(t, settings)` over the golden steps of one case and compares the weights after each.
template <class Step>
void expect_golden(const json& steps, const json& one, at::Tensor weight, double tolerance,
                   Step step) {
  for (size_t t = 0; t < steps.size(); ++t) {
    weight.mutable_grad() = tensor_of(one["gradients"][t], one["shape"]);
    step(static_cast<int64_t>(t), steps[t]);
    const at::Tensor expected = tensor_of(one["weights"][t], one["shape"]);
    EXPECT_TRUE(at::allclose(weight.detach(), expected, tolerance, tolerance))
        << "step " << t << " of " << one["shape"] << ": off by "
        << (weight.detach() - expected).abs().max().item<double>();
  }
}

TEST(AdamW, FollowsItsEquationsOnASingleNumber) {
  at::Tensor weight = leaf(at::full({1}, 2.0, at::kDouble));
  AdamW adamw({{"w", Role::kScalar, weight}}, {.beta1 = 0.9, .beta2 = 0.95, .epsilon = 0});
  weight.mutable_grad() = at::full({1}, 3.0, at::kDouble);
  adamw.step({.step = 0, .rate = 0.1, .weight_decay = 0.5});
  // The first step's corrected mean over root of square is the gradient's sign.
  EXPECT_NEAR(weight.item<double>(), 2.0 * (1 - 0.1 * 0.5) - 0.1, 1e-6);

  weight.mutable_grad() = at::full({1}, -1.0, at::kDouble);
  adamw.step({.step = 1, .rate = 0.1, .weight_decay = 0});
  const double mean = (0.9 * 0.1 * 3 + 0.1 * -1) / (1 - 0.9 * 0.9);
  const double square = (0.95 * 0.05 * 9 + 0.05 * 1) / (1 - 0.95 * 0.95);
  EXPECT_NEAR(weight.item<double>(), 1.8 - 0.1 * mean / std::sqrt(square), 1e-6);
}

// Both run the same fused arithmetic in fp32; what differs is the order of a few roundings.
TEST(AdamW, AgreesWithPyTorch) {
  const json all = golden();
  for (const json& one : all["adamw"]) {
    const at::Tensor weight = leaf(tensor_of(one["first"], one["shape"]));
    AdamW adamw({{"w", Role::kScalar, weight}}, {});
    expect_golden(all["steps"], one, weight, 2e-6, [&](int64_t step, const json& settings) {
      adamw.step({step, settings["rate"], one["weight_decay"]});
    });
  }
}

// PyTorch orthogonalises in bf16, 2^-9 a rounding: the polynomial's slope of 3.4 takes it to about
// 0.02 of an update whose entries are below 1, times rates that sum to 0.11.
TEST(Muon, AgreesWithPyTorch) {
  const json all = golden();
  for (const json& one : all["muon"]) {
    const at::Tensor weight = leaf(tensor_of(one["first"], one["shape"]));
    Muon muon({{"w", Role::kMatrix, weight}}, 5, at::kBFloat16);
    expect_golden(all["steps"], one, weight, 3e-3, [&](int64_t, const json& settings) {
      muon.step({settings["rate"], settings["momentum"], one["weight_decay"]});
    });
  }
}

// Matrices of one shape are orthogonalised in one batch, PyTorch's one after the other; the
// tolerance is that of a matrix alone.
TEST(Muon, ABatchOfOneShapeAgreesWithPyTorchsMatricesOneByOne) {
  const json all = golden(), group = all["muon_of_one_shape"];
  std::vector<Parameter> matrices;
  for (const json& one : group)
    matrices.push_back(
        {concat("w", matrices.size()), Role::kMatrix, leaf(tensor_of(one["first"], one["shape"]))});
  ASSERT_EQ(plan_matrix_batches(matrices).size(), 1u);
  Muon muon(matrices, 5, at::kBFloat16);
  for (size_t t = 0; t < all["steps"].size(); ++t) {
    for (size_t i = 0; i < matrices.size(); ++i)
      matrices[i].tensor.mutable_grad() = tensor_of(group[i]["gradients"][t], group[i]["shape"]);
    const json& settings = all["steps"][t];
    muon.step({settings["rate"], settings["momentum"], group[0]["weight_decay"]});
    for (size_t i = 0; i < matrices.size(); ++i)
      EXPECT_TRUE(at::allclose(matrices[i].tensor.detach(),
                               tensor_of(group[i]["weights"][t], group[i]["shape"]), 3e-3, 3e-3))
          << "matrix " << i << " in step " << t;
  }
}

std::vector<Parameter> one_of_each() {
  return {{"embedding", Role::kEmbedding, leaf(at::ones({3, 2}))},
          {"matrix", Role::kMatrix, leaf(at::ones({2, 2}))},
          {"gain", Role::kScalar, leaf(at::ones({2}))}};
}

std::vector<std::string> state_names(const Optimiser& optimiser) {
  std::vector<std::string> names;
  for (const auto& entry : optimiser.state()) names.push_back(entry.name);
  return names;
}

TEST(Optimiser, SendsEachRoleToItsOwn) {
  const auto parameters = one_of_each();
  using testing::ElementsAre;
  EXPECT_THAT(state_names(Optimiser({}, parameters, at::kFloat)),
              ElementsAre("muon.momentum.matrix", "adamw.mean.embedding", "adamw.square.embedding",
                          "adamw.mean.gain", "adamw.square.gain"));
  EXPECT_THAT(state_names(Optimiser({.matrices = MatrixOptimiser::kAdamW}, parameters, at::kFloat)),
              ElementsAre("adamw.mean.matrix", "adamw.square.matrix", "adamw.mean.embedding",
                          "adamw.square.embedding", "adamw.mean.gain", "adamw.square.gain"));
}

TEST(Optimiser, GivesEachRoleItsRateAndOnlyMatricesDecay) {
  const auto parameters = one_of_each();
  Optimiser optimiser({.matrices = MatrixOptimiser::kAdamW,
                       .matrix_rate = 0.1,
                       .embedding_rate = 0.2,
                       .scalar_rate = 0.4,
                       .weight_decay = 1},
                      parameters, at::kFloat);
  for (const auto& parameter : parameters) {
    at::Tensor weight = parameter.tensor;
    weight.mutable_grad() = at::ones_like(weight).set_requires_grad(false);
  }
  optimiser.step({.step = 0, .rate_factor = 0.5});
  // AdamW's first step moves by the rate; the matrix also decays by rate * 1.
  EXPECT_NEAR(parameters[0].tensor.select(0, 0)[0].item<float>(), 1 - 0.1, 1e-5);
  EXPECT_NEAR(parameters[1].tensor.select(0, 0)[0].item<float>(), 1 - 0.05 - 0.05, 1e-5);
  EXPECT_NEAR(parameters[2].tensor.select(0, 0).item<float>(), 1 - 0.2, 1e-5);
}

TEST(Optimiser, UnderMuonTooOnlyMatricesDecay) {
  const auto parameters = one_of_each();
  Optimiser optimiser({.matrix_rate = 0.1, .weight_decay = 0.5}, parameters, at::kFloat);
  for (const auto& parameter : parameters)
    at::Tensor(parameter.tensor).mutable_grad() = at::zeros(parameter.tensor.sizes());
  optimiser.step({.step = 0});
  EXPECT_TRUE(at::equal(parameters[0].tensor, at::ones({3, 2})));
  EXPECT_TRUE(at::allclose(parameters[1].tensor, at::full({2, 2}, 0.95)));
  EXPECT_TRUE(at::equal(parameters[2].tensor, at::ones({2})));
}

// What the state returns is what a later step reads: copying it into another optimiser makes the
// two go on alike.
TEST(Optimiser, ItsStateIsAllThatALaterStepDependsOn) {
  const auto first = one_of_each(), second = one_of_each();
  Optimiser one({}, first, at::kFloat), other({}, second, at::kFloat);
  const auto set_gradients = [](const std::vector<Parameter>& parameters, double scale) {
    for (const auto& parameter : parameters) {
      at::Tensor weight = parameter.tensor;
      weight.mutable_grad() =
          at::arange(1, weight.numel() + 1, at::kFloat).view(weight.sizes()).sin() * scale;
    }
  };
  set_gradients(first, 1);
  one.step({.step = 0});
  auto source = one.state(), target = other.state();
  for (size_t i = 0; i < source.size(); ++i) target[i].tensor.copy_(source[i].tensor);
  for (size_t i = 0; i < first.size(); ++i)
    second[i].tensor.detach().copy_(first[i].tensor.detach());
  set_gradients(first, -2), set_gradients(second, -2);
  one.step({.step = 1}), other.step({.step = 1});
  for (size_t i = 0; i < first.size(); ++i)
    EXPECT_TRUE(at::equal(first[i].tensor, second[i].tensor)) << first[i].name;
}

TEST(Optimiser, RefusesValuesOutOfRange) {
  EXPECT_THROW(validate(OptimiserOptions{.matrix_rate = -1}), Error);
  EXPECT_THROW(validate(OptimiserOptions{.newton_schulz = 0}), Error);
  EXPECT_NO_THROW(validate(OptimiserOptions{.newton_schulz = 100}));
  EXPECT_THROW(validate(OptimiserOptions{.newton_schulz = 101}), Error);
  EXPECT_THROW(validate(OptimiserOptions{.beta2 = 1}), Error);
  EXPECT_THROW(validate(OptimiserOptions{.clip_norm = -1}), Error);
  EXPECT_THROW(validate(OptimiserOptions{.ema = -0.1}), Error);
  EXPECT_THROW(validate(OptimiserOptions{.ema = 1}), Error);
  EXPECT_NO_THROW(validate(OptimiserOptions{}));
}

TEST(Optimiser, LeavesFrozenPassMixingAlone) {
  const at::Tensor mixing = leaf(at::ones({2, 2})), gain = leaf(at::ones({2}));
  Optimiser optimiser({}, {{"pass.mixing", Role::kScalar, mixing}, {"gain", Role::kScalar, gain}},
                      at::kFloat);
  EXPECT_EQ(optimiser.state().size(), 4u) << "frozen or not, its state is kept";
  const auto step = [&](int64_t index, bool learns) {
    at::Tensor(mixing).mutable_grad() = at::ones({2, 2});
    at::Tensor(gain).mutable_grad() = at::ones({2});
    const at::Tensor before = mixing.detach().clone(), gain_before = gain.detach().clone();
    optimiser.step({.step = index, .mixing_learns = learns});
    EXPECT_FALSE(at::equal(gain.detach(), gain_before));
    return !at::equal(mixing.detach(), before);
  };
  EXPECT_TRUE(step(0, true));
  EXPECT_FALSE(step(1, false));
}

}  // namespace
}  // namespace reprise
