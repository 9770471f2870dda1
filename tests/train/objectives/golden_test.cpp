// The objectives' functions against PyTorch's values and gradients; tests/golden/
// make_objective_golden.py says what was computed. Double precision on both sides: 1e-12 leaves
// room for another order of sums only.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "train/halting_losses.h"
#include "train/losses.h"
#include "train/objectives/export_step.h"
#include "train/objectives/token_weights.h"

namespace reprise {
namespace {
using nlohmann::json;
using Inputs = std::vector<at::Tensor>;

at::Tensor doubles(const json& numbers, const std::vector<int64_t>& shape) {
  return at::tensor(numbers.get<std::vector<double>>(), at::kDouble).view(shape);
}

void expect_golden(const std::string& name,
                   const std::function<at::Tensor(const Inputs&, const json&)>& function) {
  const json golden = json::parse(read_file(std::string(GOLDEN_DIR) + "/objective.json")).at(name);
  Inputs inputs;
  for (const json& input : golden.at("inputs"))
    inputs.push_back(doubles(input.at("values"), input.at("shape").get<std::vector<int64_t>>())
                         .requires_grad_());
  const at::Tensor value = function(inputs, golden);
  EXPECT_NEAR(value.item<double>(), golden.at("value").get<double>(), 1e-12) << name;
  const auto gradients = torch::autograd::grad({value}, inputs, {}, {}, false, true);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const at::Tensor expected = doubles(golden.at("gradients")[i], inputs[i].sizes().vec());
    const at::Tensor ours = gradients[i].defined() ? gradients[i] : at::zeros_like(expected);
    EXPECT_LT((ours - expected).abs().max().item<double>(), 1e-12) << name << ", input " << i;
  }
}

TEST(ObjectiveGolden, PrimaryLosses) {
  expect_golden("deep_supervision", [](const Inputs& in, const json& with) {
    return deep_supervision(in, with.at("weights").get<std::vector<double>>());
  });
  expect_golden("gated_refinement", [](const Inputs& in, const json& with) {
    return gated_refinement(in[0], in[1], at::tensor(with.at("rows").get<std::vector<int64_t>>()),
                            with.at("kappa"));
  });
}

TEST(ObjectiveGolden, Terms) {
  expect_golden("monotone", [](const Inputs& in, const json& with) {
    return monotone(in[0], in[1], with.at("margin"));
  });
  expect_golden("state_distance",
                [](const Inputs& in, const json&) { return state_distance(in[0], in[1]); });
  expect_golden("prediction_distance",
                [](const Inputs& in, const json&) { return prediction_distance(in[0], in[1]); });
  expect_golden("norm_change",
                [](const Inputs& in, const json&) { return norm_change(in[0], in[1]); });
}

TEST(ObjectiveGolden, HaltingLosses) {
  expect_golden("expected_nats", [](const Inputs& in, const json&) {
    return expected_nats(log_exit_probabilities(in[0]), std::span(in).subspan(1)).sum();
  });
  expect_golden("prior_divergence", [](const Inputs& in, const json& with) {
    return prior_divergence(log_exit_probabilities(in[0]), with.at("rate"));
  });
  expect_golden("halting_entropy", [](const Inputs& in, const json&) {
    return halting_entropy(log_exit_probabilities(in[0]));
  });
}

TEST(ObjectiveGolden, AdaptiveComputationTime) {
  expect_golden("ponder_cost", [](const Inputs& in, const json& with) {
    return ponder_cost(ponder(in[0]), with.at("floor"));
  });
  expect_golden("mean_state", [](const Inputs& in, const json&) {
    return (ponder(in[0]).weights.unsqueeze(-1) * in[1]).sum(at::IntArrayRef{0, 2}).square().sum();
  });
}

TEST(ObjectiveGolden, TokenWeights) {
  expect_golden("hard_weighted",
                [](const Inputs& in, const json&) { return (hard_weights(in[1]) * in[0]).sum(); });
}

TEST(ObjectiveGolden, EntropyOfCodes) {
  expect_golden("code_entropy", [](const Inputs& in, const json& with) {
    return code_entropy_bits(in[0], doubles(with.at("steps"), {4, 1}), with.at("bits"));
  });
}

}  // namespace
}  // namespace reprise
