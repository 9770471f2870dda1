// One layer and one refinement pass, small enough to follow with a pencil.
#include <gmock/gmock.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

class ByHandNetwork : public testing::Test {
 protected:
  static ModelOptions one_layer() {
    ModelOptions options;
    options.vocab = options.width = options.context = 2;
    options.heads = options.kv_heads = options.mlp_ratio = 1;
    options.prelude = options.coda = 0;
    options.core = options.passes = 1;
    return options;
  }

  /// Every projection is the identity but for `up`, whose second channel changes its sign; each
  /// token is embedded as (1, 1), which is its own norm.
  static Parameters weights() {
    Parameters parameters(one_layer(), 1, at::kCPU, at::kDouble);
    for (const char* name : {"query", "key", "value", "output"})
      parameters.assign(concat("layer.0.attention.", name), at::eye(2));
    parameters.assign("embedding", at::ones({2, 2}));
    parameters.assign("layer.0.mlp.up", at::tensor({1.0, 0.0, 0.0, -1.0}).view({2, 2}));
    parameters.assign("layer.0.mlp.down", at::eye(2));
    return parameters;
  }

  static void expect_row(const at::Tensor& row, double first, double second) {
    EXPECT_NEAR(row[0].item<double>(), first, 1e-5);  // norms have an epsilon of 1e-6
    EXPECT_NEAR(row[1].item<double>(), second, 1e-5);
  }

  at::NoGradGuard no_grad_;
  const Network network_{one_layer(), weights(), at::kDouble};
};

// Attention at the first position gives its own value (1, 1): x = (1, 1) + (1, 1) = (2, 2), norm
// (1, 1), up (1, -1), squared ReLU (1, 0): x = (3, 2). At the second position keys and values are
// the same, whatever the weights of attention, so x is the same.
TEST_F(ByHandNetwork, ALayerAndItsReadout) {
  const BasePasses base = network_.base_passes(at::zeros({1, 2}, at::kLong), {.keys = true});
  for (int64_t t = 0; t < 2; ++t) {
    expect_row(base.streams_P.back().hidden_MD[t], 3, 2);
    expect_row(base.features_BTD[0][t], 3 / std::sqrt(6.5), 2 / std::sqrt(6.5));
  }
  const double first = 5 / std::sqrt(6.5);  // either row of the embedding times the features
  expect_row(network_.logits(base.features_BTD)[0][0], 30 * std::tanh(first / 30),
             30 * std::tanh(first / 30));
}

// The second pass starts from (3, 2) and reads the first one's values (1, 1): x = (4, 3), whose
// mean square is 12.5. Of up only 4 / sqrt(12.5) is positive, its square 1.28: x = (5.28, 3).
TEST_F(ByHandNetwork, ARefinementPassReadsTheKeysOfTheLastOne) {
  const BasePasses base = network_.base_passes(at::zeros({1, 2}, at::kLong), {.keys = true});
  const double root = std::sqrt((5.28 * 5.28 + 9) / 2);
  const at::Tensor refined_MD = network_.refine_rows(base, at::tensor({1}, at::kLong));
  ASSERT_EQ(refined_MD.sizes(), at::IntArrayRef({1, 2}));
  expect_row(refined_MD[0], 5.28 / root, 3 / root);
}

// The logits of both passes are added: their features are.
TEST_F(ByHandNetwork, ASummedReadoutAddsWhatEachPassGives) {
  ModelOptions options = one_layer();
  options.readout = Readout::kSum;
  const Network network(options, weights(), at::kDouble);
  const BasePasses base = network.base_passes(at::zeros({1, 2}, at::kLong), {.keys = true});
  expect_row(base.features_BTD[0][0], 3 / std::sqrt(6.5), 2 / std::sqrt(6.5));
  const double root = std::sqrt((5.28 * 5.28 + 9) / 2);
  const at::Tensor refined_MD = network.refine_rows(base, at::tensor({1}, at::kLong));
  expect_row(refined_MD[0], 3 / std::sqrt(6.5) + 5.28 / root, 2 / std::sqrt(6.5) + 3 / root);
}

}  // namespace
}  // namespace reprise
