// Models of every family against PyTorch in Python: logits, losses and every gradient.
// tests/golden/make_network_golden.py wrote the files, from the equations and in double precision.
#include <gmock/gmock.h>

#include <algorithm>

#include "base/safetensors.h"
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
      const bool has_one = std::ranges::any_of(
          file_.arrays(), [&](const auto& array) { return array.name == name; });
      ASSERT_EQ(parameter.tensor.grad().defined(), has_one) << name;
      if (has_one) expect_near(name, parameter.tensor.grad());
    }
  }

  SafetensorsFile file_;
  ModelOptions options_;
};

TEST_P(Golden, InFp32) { expect_equal(at::kFloat, 1e-5); }

// The file holds fp32, so 2^-24 is all it can confirm.
TEST_P(Golden, InFp64) { expect_equal(at::kDouble, 1e-7); }

INSTANTIATE_TEST_SUITE_P(Models, Golden,
                         testing::Values("static", "recurrent", "static_skips",
                                         "recurrent_factorised", "recurrent_project",
                                         "recurrent_bounded", "recurrent_lora", "relaxed", "moe",
                                         "moe_attention", "partial", "recurrent_sum",
                                         "recurrent_mixture", "recurrent_exit"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace reprise
