// Models of every family against PyTorch in Python: logits, losses and every gradient.
// tests/golden/make_network_golden.py wrote the files, from the equations and in double precision.
#include <gmock/gmock.h>

#include <algorithm>

#include "base/safetensors.h"
#include "models/decoder.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

using test::relative_difference;

at::Tensor to_tensor(const ArrayView& array) {
  const at::ScalarType type = array.dtype == "I64" ? at::kLong : at::kFloat;
  return at::from_blob(const_cast<uint8_t*>(array.bytes.data()), array.shape, type).clone();
}

class Golden : public testing::TestWithParam<const char*> {
 protected:
  Golden() : file_(concat(REPRISE_GOLDEN_DIR, "/network_", GetParam(), ".safetensors")) {
    OptionSet set("test", "");
    set.add("model", options_);
    for (const auto& [key, value] : file_.metadata()) set.set("model." + key, value);
  }

  at::Tensor tensor(const std::string& name) const { return to_tensor(file_[name]); }

  Parameters parameters(at::ScalarType type) const {
    Parameters parameters(options_, 0, at::kCPU, type);
    for (const Parameter& parameter : parameters.list())
      parameters.assign(parameter.name, tensor("weight." + parameter.name));
    return parameters;
  }

  bool has(const std::string& name) const {
    return std::ranges::any_of(file_.arrays(),
                               [&](const auto& array) { return array.name == name; });
  }

  /// Every rule but kCoarse, whose gradients are known too.
  void expect_equal_rules(at::ScalarType type, double tolerance) const {
    const at::NoGradGuard no_grad;
    const Network network(options_, parameters(type), type);
    const BasePasses base = network.base_passes(tensor("tokens"), {.keys = true});
    for (const auto& [rule, name] : EnumNames<KeyRule>::names) {
      const std::string expected =
          rule == KeyRule::kCoarse ? "refined_logits" : concat("refined_logits.", name);
      EXPECT_LT(relative_difference(network.logits(network.refine_rows(base, tensor("rows"), rule)),
                                    tensor(expected)),
                tolerance)
          << name;
    }
  }

  /// Read token by token, refined keys replacing those of the last base pass.
  void expect_equal_write_back(at::ScalarType type, double tolerance) const {
    if (!has("written_back_logits")) return;
    const Network network(options_, parameters(type), type);
    const at::Tensor tokens_BT = tensor("tokens");
    const at::Tensor mask_BT = at::zeros({tokens_BT.numel()}, at::kBool)
                                   .index_fill(0, tensor("rows"), true)
                                   .view_as(tokens_BT);
    Decoder decoder(network, tokens_BT.size(0), {.rule = KeyRule::kLatest, .write_back = true});
    std::vector<at::Tensor> features;
    for (int64_t t = 0; t < tokens_BT.size(1); ++t) {
      decoder.step(tokens_BT.narrow(1, t, 1));
      features.push_back(decoder.refine(mask_BT.narrow(1, t, 1)));
    }
    const at::NoGradGuard no_grad;
    EXPECT_LT(
        relative_difference(network.logits(at::cat(features, 1)), tensor("written_back_logits")),
        tolerance);
  }

  void expect_equal(at::ScalarType type, double tolerance) const {
    const Parameters weights = parameters(type);
    const Network network(options_, weights, type);
    const at::Tensor rows_M = tensor("rows"), targets_BT = tensor("targets");
    const at::Tensor targets_M = targets_BT.flatten().index_select(0, rows_M);
    const BasePasses base = network.base_passes(tensor("tokens"), {.keys = true});
    const at::Tensor refined_MD = network.refine_rows(base, rows_M);
    const at::Tensor nats_BT = network.cross_entropy(base.features_BTD, targets_BT);
    const at::Tensor nats_M = network.cross_entropy(refined_MD, targets_M);
    const at::Tensor loss = nats_BT.mean() + nats_M.mean();
    loss.backward();

    const auto expect_near = [&](const std::string& name, const at::Tensor& ours) {
      EXPECT_LT(relative_difference(ours, tensor(name)), tolerance) << name;
    };
    expect_near("logits", network.logits(base.features_BTD));
    expect_near("refined_logits", network.logits(refined_MD));
    expect_near("nats", nats_BT);
    expect_near("refined_nats", nats_M);
    expect_near("loss", loss);
    for (const Parameter& parameter : weights.list()) {
      const std::string name = "gradient." + parameter.name;
      ASSERT_EQ(parameter.tensor.grad().defined(), has(name)) << name;
      if (has(name)) expect_near(name, parameter.tensor.grad());
    }
  }

  SafetensorsFile file_;
  ModelOptions options_;
};

TEST_P(Golden, InFp32) { expect_equal(at::kFloat, 1e-5); }

// The file holds fp32, so 2^-24 is all it can confirm.
TEST_P(Golden, InFp64) { expect_equal(at::kDouble, 1e-7); }

TEST_P(Golden, EveryRule) {
  expect_equal_rules(at::kFloat, 1e-5);
  expect_equal_rules(at::kDouble, 1e-7);
}

TEST_P(Golden, WriteBack) {
  expect_equal_write_back(at::kFloat, 1e-5);
  expect_equal_write_back(at::kDouble, 1e-7);
}

INSTANTIATE_TEST_SUITE_P(Models, Golden,
                         testing::Values("static", "recurrent", "static_skips",
                                         "recurrent_factorised", "recurrent_project",
                                         "recurrent_bounded", "recurrent_lora", "relaxed", "moe",
                                         "moe_attention", "partial", "recurrent_sum",
                                         "recurrent_mixture", "recurrent_exit"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace reprise
