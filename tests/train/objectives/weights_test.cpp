// Weights as the packer will make them, and what a step sees of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/artifact/quantisers/quantiser.h"
#include "models/artifact/quantisers/row_quantiser.h"
#include "tests/models/gradient_check.h"
#include "tests/models/tiny_models.h"
#include "train/objectives/export_step.h"
#include "train/objectives/weight_view.h"

namespace reprise {
namespace {

/// Rows of different widths, so that they choose different steps, and one with an outlier.
at::Tensor uneven_rows(at::ScalarType type = at::kFloat) {
  at::Tensor weights = test::normal_tensor({6, 300}, 3, type) *
                       at::tensor({0.1, 0.5, 1.0, 1.0, 2.0, 3.0}, type).unsqueeze(1);
  weights[2][7] = 9;
  return weights;
}

TEST(ExportStep, IsThePackersWhereBytesCostNothing) {
  const at::Tensor weights = uneven_rows();
  for (const int64_t bits : {4, 6, 8}) {
    SCOPED_TRACE(bits);
    HostTensor tensor;
    tensor.name = "w", tensor.shape = {6, 300};
    tensor.values = {weights.const_data_ptr<float>(),
                     weights.const_data_ptr<float>() + weights.numel()};
    const auto packed =
        make_quantiser({tensor, relative_importance(tensor)}, {.min_bits = bits, .max_bits = bits})
            ->quantise(0);
    const auto back = dequantise_rows(packed.streams[0], packed.streams[1]);
    const at::Tensor expected = at::tensor(back).view({6, 300});
    EXPECT_LT((through_codes(weights, export_steps(weights, bits), bits) - expected)
                  .abs()
                  .max()
                  .item<float>(),
              1e-6);
  }
}

TEST(ExportStep, OfZerosIsHarmless) {
  const at::Tensor zeros = at::zeros({2, 4}).requires_grad_();
  EXPECT_TRUE(at::equal(through_codes(zeros, export_steps(zeros, 6), 6), zeros));
  const at::Tensor bits = code_entropy_bits(zeros, export_steps(zeros, 6), 6);
  bits.backward();
  EXPECT_EQ(bits.item<float>(), 0);
  EXPECT_TRUE(at::equal(zeros.grad(), at::zeros({2, 4})));
}

TEST(CodeEntropy, IsTheHistogramsWhereWeightsLieOnCodes) {
  // Codes 0, 0, 1, -2: bits 1/2 * 1 + 2 * 1/4 * 2.
  const at::Tensor weights = at::tensor({0.0, 0.0, 0.5, -1.0}, at::kDouble).view({1, 4});
  const at::Tensor steps = at::full({1, 1}, 0.5, at::kDouble);
  EXPECT_NEAR(code_entropy_bits(weights, steps, 4).item<double>(), 1.5, 1e-12);
}

TEST(CodeEntropy, GradientsAgreeWithDifferencesWhereTheStepFollowsTheScale) {
  const at::Tensor weights = test::normal_tensor({4, 8}, 5, at::kDouble).requires_grad_();
  const at::Tensor steps = at::tensor({0.25, 0.5, 0.3, 0.125}, at::kDouble).view({4, 1});
  const double rms = weights.detach().square().mean().sqrt().item<double>();
  // What the detached root mean square stands for: steps that move with the tensor's.
  test::expect_gradients(
      [&] {
        const at::Tensor scale =
            weights.detach().square().mean().sqrt() / rms;  // 1 at the point itself
        return code_entropy_bits(weights, steps * scale, 4);
      },
      {weights});
}

TEST(CodeEntropy, DoesNotChangeWithTheScaleAlone) {
  const at::Tensor weights = uneven_rows(at::kDouble).requires_grad_();
  code_entropy_bits(weights, export_steps(weights, 6), 6).backward();
  // The derivative along the weights themselves.
  EXPECT_NEAR((weights.grad() * weights.detach()).sum().item<double>(), 0, 1e-9);
}

class WeightViewTest : public testing::Test {
 protected:
  WeightViewTest() {
    model_.width = 32, model_.heads = 4, model_.kv_heads = 4;  // matrices above 1024 weights: MLP
    parameters_.emplace(test::lively_parameters(model_, at::kFloat));
  }
  Parameters seen(const WeightOptions& options, int64_t step = 3) {
    return seen_in_step(options, model_, 1, step, *parameters_);
  }
  const at::Tensor& trained(const std::string& name) {
    for (const auto& parameter : parameters_->list())
      if (parameter.name == name) return parameter.tensor;
    throw std::runtime_error(name);
  }

  ModelOptions model_ = test::tiny_recurrent();
  std::optional<Parameters> parameters_;
  const std::string shared_ = "layer.1.mlp.up", unique_ = "layer.0.mlp.up",
                    vector_ = "layer.1.attention.scale";
};

TEST_F(WeightViewTest, WithoutNoiseIsTheTrainedWeights) {
  EXPECT_TRUE(seen({})[shared_].is_same(trained(shared_)));
}

TEST_F(WeightViewTest, UniformNoiseIsOneStepWideAndSpreadEvenly) {
  const WeightOptions options{.noise = WeightNoise::kUniform, .export_bits = 5};
  const at::Tensor noise = seen(options)[shared_].detach() - trained(shared_).detach();
  const at::Tensor steps = noise / export_steps(trained(shared_), 5);
  EXPECT_LE(steps.abs().max().item<float>(), 0.5 + 1e-5);
  const auto count = static_cast<double>(steps.numel());
  EXPECT_NEAR(steps.mean().item<double>(), 0, 4 / std::sqrt(12 * count));
  EXPECT_NEAR(steps.square().mean().item<double>(), 1.0 / 12, 4 * 0.0745 / std::sqrt(count));
}

TEST_F(WeightViewTest, NoiseIsTheSameInAStepAndAnotherInTheNext) {
  const WeightOptions options{.noise = WeightNoise::kUniform};
  const Parameters once = seen(options);
  EXPECT_TRUE(at::equal(once[shared_], once[shared_]));
  EXPECT_TRUE(at::equal(once[shared_], seen(options)[shared_]));
  EXPECT_FALSE(at::equal(once[shared_], seen(options, 4)[shared_]));
}

TEST_F(WeightViewTest, GoesToSharedMatricesOrToAll) {
  const WeightOptions shared{.noise = WeightNoise::kFakeQuantise};
  WeightOptions all = shared;
  all.noisy = NoisyWeights::kAll;
  EXPECT_FALSE(at::equal(seen(shared)[shared_], trained(shared_)));
  EXPECT_TRUE(at::equal(seen(shared)[unique_], trained(unique_)));
  EXPECT_FALSE(at::equal(seen(all)[unique_], trained(unique_)));
  EXPECT_TRUE(at::equal(seen(all)[vector_], trained(vector_)));
}

TEST_F(WeightViewTest, FakeQuantisedIsWhatTheCodesGiveBackWithAStraightGradient) {
  const at::Tensor weight = seen({.noise = WeightNoise::kFakeQuantise, .export_bits = 4})[shared_];
  const at::Tensor steps = export_steps(trained(shared_), 4);
  EXPECT_LT((weight - through_codes(trained(shared_), steps, 4)).abs().max().item<float>(), 1e-6);
  (weight * 3).sum().backward();
  EXPECT_TRUE(at::equal(trained(shared_).grad(), at::full_like(trained(shared_), 3)));
}

TEST_F(WeightViewTest, FakeQuantisedAtTwoBitsIsThreeLevelsOfARow) {
  const at::Tensor weight =
      seen({.noise = WeightNoise::kFakeQuantise, .export_bits = 2})[shared_].detach();
  const at::Tensor codes = weight / export_steps(trained(shared_), 2);
  EXPECT_LT((codes - codes.round()).abs().max().item<float>(), 1e-5);
  EXPECT_EQ(codes.round().abs().max().item<float>(), 1);
}

TEST_F(WeightViewTest, MeanCodeBitsAreThoseOfEveryPackedMatrix) {
  const WeightOptions options{.export_bits = 6, .code_entropy = 1};
  double bits = 0, weights = 0;
  for (const auto& parameter : parameters_->list()) {
    const at::Tensor& weight = parameter.tensor;
    if (weight.dim() < 2 || weight.numel() <= 1024) continue;
    const auto count = static_cast<double>(weight.numel());
    bits += count * code_entropy_bits(weight, export_steps(weight, 6), 6).item<double>();
    weights += count;
  }
  ASSERT_GT(weights, 0);
  EXPECT_NEAR(mean_code_bits(options, *parameters_).item<double>(), bits / weights, 1e-5);
}

}  // namespace
}  // namespace reprise
