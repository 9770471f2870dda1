// What every network promises, whichever family: causality, independence of the batch,
// distributions that sum to one.
#include "models/network.h"

#include <gmock/gmock.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "tests/models/variants.h"

namespace reprise {
namespace {

using test::lively_parameters;
using test::relative_difference;
using test::some_tokens;

class NetworkTest : public testing::TestWithParam<test::Variant> {
 protected:
  NetworkTest()
      : options_(GetParam().options),
        network_(options_, lively_parameters(options_, at::kDouble), at::kDouble) {}

  at::Tensor logits(const at::Tensor& tokens_BT) {
    return network_.logits(network_.base_passes(tokens_BT).features_BTD);
  }

  at::NoGradGuard no_grad_;
  ModelOptions options_;
  Network network_;
};

TEST_P(NetworkTest, ChangingATokenChangesNothingBeforeIt) {
  const at::Tensor tokens = some_tokens(options_, 2, 6);
  const at::Tensor before = logits(tokens);
  for (int64_t changed = 0; changed < 6; ++changed) {
    at::Tensor others = tokens.clone();
    others.select(1, changed).copy_((others.select(1, changed) + 1) % options_.vocab);
    const at::Tensor after = logits(others);
    EXPECT_EQ(relative_difference(after.slice(1, 0, changed), before.slice(1, 0, changed)), 0);
    EXPECT_GT(relative_difference(after.slice(1, changed), before.slice(1, changed)), 1e-6);
  }
}

TEST_P(NetworkTest, ASequenceDoesNotSeeTheOthersInItsBatch) {
  const at::Tensor tokens = some_tokens(options_, 3, 5);
  const at::Tensor together = logits(tokens);
  for (int64_t b = 0; b < 3; ++b)
    EXPECT_LT(relative_difference(logits(tokens.slice(0, b, b + 1))[0], together[b]), 1e-13);
}

TEST_P(NetworkTest, AShorterSequenceIsAPrefix) {
  const at::Tensor tokens = some_tokens(options_, 1, 6);
  EXPECT_LT(relative_difference(logits(tokens.slice(1, 0, 3)), logits(tokens).slice(1, 0, 3)),
            1e-13);
}

TEST_P(NetworkTest, EveryDistributionSumsToOne) {
  const at::Tensor tokens = some_tokens(options_, 2, 6);
  const at::Tensor features = network_.base_passes(tokens).features_BTD;
  at::Tensor total = at::zeros({2, 6}, at::kDouble);
  for (int64_t token = 0; token < options_.vocab; ++token)
    total += (-network_.cross_entropy(features, at::full({2, 6}, token, at::kLong))).exp();
  EXPECT_LT((total - 1).abs().max().item<double>(), 1e-12);
  EXPECT_LE(network_.logits(features).abs().max().item<double>(), options_.softcap);
}

TEST_P(NetworkTest, FreshWeightsPredictAlmostUniformly) {
  const Network fresh(options_, Parameters(options_, 1), at::kFloat);
  const at::Tensor tokens = some_tokens(options_, 2, 6);
  const at::Tensor nats = fresh.cross_entropy(fresh.base_passes(tokens).features_BTD, tokens);
  EXPECT_NEAR(nats.mean().item<double>(), std::log(11.0), 0.1);
}

TEST_P(NetworkTest, RefusesMoreTokensThanItsContext) {
  EXPECT_THROW(network_.base_passes(some_tokens(options_, 1, 7)), Error);
}

TEST_P(NetworkTest, RefusesTargetsOutsideTheVocabulary) {
  const at::Tensor tokens = some_tokens(options_, 1, 4);
  const at::Tensor features = network_.base_passes(tokens).features_BTD;
  for (int64_t wrong : {int64_t{-1}, options_.vocab})
    EXPECT_THROW(network_.cross_entropy(features, at::full({1, 4}, wrong, at::kLong)), Error);
}

TEST_P(NetworkTest, Bf16ComputesTheModelFp32Does) {
  const auto run = [&](at::ScalarType compute) {
    at::AutoGradMode with_gradients(true);
    const Parameters parameters = lively_parameters(options_, at::kFloat);
    const Network network(options_, parameters, compute);
    const at::Tensor tokens = some_tokens(options_, 4, 6);
    const BasePasses base = network.base_passes(tokens, {.keys = true});
    const at::Tensor loss = network.cross_entropy(base.features_BTD, tokens).mean() +
                            network.cross_entropy(network.refine_all(base), tokens).mean();
    loss.backward();
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& weight : test::read_weights(parameters, options_))
      gradients.push_back(weight.grad().flatten());
    return std::pair{loss.item<double>(), at::cat(gradients)};
  };
  const auto [loss, gradient] = run(at::kFloat);
  const auto [rounded_loss, rounded_gradient] = run(at::kBFloat16);
  // Every tensor on the way is rounded to 2^-9; over a dozen in a row that comes to some percent.
  // Without norms on the way the MLPs square what was rounded before them; and where two experts
  // are nearly level, a rounded row takes the other one.
  const bool rough = options_.norm == NormPlacement::kPeri || options_.family == Family::kMoe;
  const double share = rough ? 0.3 : 0.1;
  EXPECT_NEAR(rounded_loss / loss, 1, 0.01);
  EXPECT_LT((rounded_gradient - gradient).norm().item<double>(),
            share * gradient.norm().item<double>());
  EXPECT_EQ(rounded_gradient.scalar_type(), at::kFloat);
}

INSTANTIATE_TEST_SUITE_P(Variants, NetworkTest, testing::ValuesIn(test::variants()),
                         test::variant_name);

class ReadoutTest : public testing::TestWithParam<test::Variant> {};

TEST_P(ReadoutTest, OfEveryPassIsAShallowerModelsOutput) {
  at::NoGradGuard no_grad;
  ModelOptions options = GetParam().options;
  options.halting = Halting::kNone;  // which readouts leave out
  options.passes = 3;
  const at::Tensor tokens = some_tokens(options, 2, 6);
  const Parameters weights = lively_parameters(options, at::kDouble);
  const Network deep(options, weights, at::kDouble);
  const BasePasses base = deep.base_passes(tokens, {.all_passes = true});
  ASSERT_EQ(base.streams_P.size(), 3u);
  for (int64_t pass = 0; pass < 3; ++pass) {
    options.passes = pass + 1;
    Parameters fewer(options, 0, at::kCPU, at::kDouble);
    for (const Parameter& parameter : fewer.list()) {
      const at::Tensor values = weights[parameter.name];
      const bool by_pass = values.sizes() != parameter.tensor.sizes();  // a row for each
      fewer.assign(parameter.name, by_pass ? values.narrow(0, 0, pass + 1) : values);
    }
    const Network shallow(options, fewer, at::kDouble);
    EXPECT_LT(
        relative_difference(deep.readout(base, pass), shallow.base_passes(tokens).features_BTD),
        1e-13)
        << pass;
  }
  EXPECT_THROW(deep.readout(deep.base_passes(tokens), 0), Error);
}

INSTANTIATE_TEST_SUITE_P(Variants, ReadoutTest, testing::ValuesIn(test::recurrent_variants()),
                         test::variant_name);

}  // namespace
}  // namespace reprise
