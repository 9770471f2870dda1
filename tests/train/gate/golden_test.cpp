// Gate heads' losses, and both heads, against PyTorch's values and gradients;
// tests/golden/make_gate_golden.py says what was computed. Double precision on both sides: 1e-12
// leaves room for another order of sums only.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "models/gate_head.h"
#include "train/gate/losses.h"

namespace reprise {
namespace {
using nlohmann::json;
using Inputs = std::vector<at::Tensor>;

at::Tensor doubles(const json& array) {
  return at::tensor(array.at("values").get<std::vector<double>>(), at::kDouble)
      .view(array.at("shape").get<std::vector<int64_t>>());
}

json golden_case(const std::string& name) {
  return json::parse(read_file(concat(GOLDEN_DIR, "/gate.json"))).at(name);
}

/// `function` is given the case's inputs, of which it may only move those that have gradients.
void expect_golden(const std::string& name,
                   const std::function<at::Tensor(const Inputs&, const json&)>& function) {
  const json golden = golden_case(name);
  Inputs inputs;
  for (const json& input : golden.at("inputs")) inputs.push_back(doubles(input).requires_grad_());
  const at::Tensor value = function(inputs, golden);
  EXPECT_NEAR(value.item<double>(), golden.at("value").get<double>(), 1e-12) << name;
  const auto gradients = torch::autograd::grad({value}, inputs, {}, {}, false, true);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const at::Tensor expected = doubles(golden.at("gradients")[i]);
    const at::Tensor ours = gradients[i].defined() ? gradients[i] : at::zeros_like(expected);
    EXPECT_LT((ours - expected).abs().max().item<double>(), 1e-12) << name << ", input " << i;
  }
}

TEST(GateGolden, CrossEntropyOfEveryLabel) {
  expect_golden("gain", [](const Inputs& in, const json& with) {
    return weighted_cross_entropy(in[0], gain_labels(in[1], in[2], with.at("delta")),
                                  positive_weight(with.at("positive_share")));
  });
  expect_golden("any_later_gain", [](const Inputs& in, const json& with) {
    return weighted_cross_entropy(
        in[0], gain_labels(in[1], at::minimum(in[2], in[3]), with.at("delta")), 1);
  });
  expect_golden("soft_gain", [](const Inputs& in, const json& with) {
    const SoftGain soft{with.at("delta"), with.at("temperature")};
    return weighted_cross_entropy(in[0], soft_gain_labels(in[1], in[2], soft),
                                  positive_weight(with.at("positive_share")));
  });
}

TEST(GateGolden, Regression) {
  expect_golden("squared", [](const Inputs& in, const json& with) {
    return squared_gain_loss(in[0], in[1], with.at("clip"));
  });
  expect_golden("huber", [](const Inputs& in, const json& with) {
    return huber_gain_loss(in[0], in[1], with.at("clip"), with.at("huber"));
  });
  expect_golden("ranking", [](const Inputs& in, const json& with) {
    return pairwise_ranking(in[0], in[1], with.at("shifts").get<std::vector<int64_t>>(),
                            with.at("delta"));
  });
}

TEST(GateGolden, BudgetPenalty) {
  expect_golden("penalty", [](const Inputs& in, const json& with) {
    return share_penalty(at::sigmoid(in[0]), with.at("target_share"));
  });
}

TEST(GateGolden, BothHeads) {
  for (const auto shape : {GateShape::kLinear, GateShape::kMlp}) {
    const std::string name = concat("head_", enum_name(shape));
    const json golden = golden_case(name);
    const at::Tensor inputs = doubles(golden.at("inputs")[0]);
    const HeadOptions options{.shape = shape, .hidden = 4};
    const GateHead head(options, inputs.size(-1), /*seed=*/1, at::kCPU, at::kDouble);
    std::vector<at::Tensor> leaves;
    for (size_t i = 0; i < head.list().size(); ++i) {
      leaves.push_back(head.list()[i].tensor);
      leaves.back().detach().copy_(doubles(golden.at("inputs")[i + 1]));
    }
    const at::Tensor value = head.scores(inputs).square().sum();
    EXPECT_NEAR(value.item<double>(), golden.at("value").get<double>(), 1e-12) << name;
    const auto gradients = torch::autograd::grad({value}, leaves);
    for (size_t i = 0; i < leaves.size(); ++i)
      EXPECT_LT((gradients[i] - doubles(golden.at("gradients")[i + 1])).abs().max().item<double>(),
                1e-11)
          << name << ", " << head.list()[i].name;
  }
}

}  // namespace
}  // namespace reprise
