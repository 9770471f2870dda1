// Every weight's gradient, of both families and through the refinement pass, against finite
// differences.
#include <gmock/gmock.h>

#include "tests/models/gradient_check.h"
#include "tests/models/variants.h"

namespace reprise {
namespace {

class NetworkGradient : public testing::TestWithParam<test::Variant> {
 protected:
  NetworkGradient() : options_(narrow(GetParam().options)) {}

  /// Every element costs two losses, so as few as still have every kind of weight.
  static ModelOptions narrow(ModelOptions options) {
    options.vocab = 5;
    options.width = 4;
    return options;
  }

  const ModelOptions options_;
  const Parameters parameters_ = test::lively_parameters(options_, at::kDouble);
  const at::Tensor tokens_BT_ = test::some_tokens(options_, 2, 4),
                   targets_BT_ = test::some_tokens(options_, 2, 4, 98);
};

TEST_P(NetworkGradient, OfTheLastPass) {
  const auto loss = [&] {
    const Network network(options_, parameters_, at::kDouble);
    return network.cross_entropy(network.base_passes(tokens_BT_).features_BTD, targets_BT_).mean();
  };
  test::expect_gradients(loss, test::read_weights(parameters_, options_));
}

TEST_P(NetworkGradient, OfEveryPass) {
  const auto loss = [&] {
    const Network network(options_, parameters_, at::kDouble);
    const BasePasses base = network.base_passes(tokens_BT_, {.all_passes = true});
    // Where the model halts, this is of none of the passes alone.
    at::Tensor sum = network.cross_entropy(base.features_BTD, targets_BT_).mean();
    for (int64_t pass = 0; pass < options_.passes; ++pass)
      sum = sum + network.cross_entropy(network.readout(base, pass), targets_BT_).mean();
    return sum;
  };
  test::expect_gradients(loss, test::read_weights(parameters_, options_));
}

TEST_P(NetworkGradient, ThroughTheSparsePass) {
  const at::Tensor rows_M = at::tensor({1, 2, 7}, at::kLong);
  const auto loss = [&] {
    const Network network(options_, parameters_, at::kDouble);
    const BasePasses base = network.base_passes(tokens_BT_, {.keys = true});
    const at::Tensor targets_M = targets_BT_.flatten().index_select(0, rows_M);
    return network.cross_entropy(network.refine_rows(base, rows_M), targets_M).mean();
  };
  test::expect_gradients(loss, test::read_weights(parameters_, options_));
}

class RuleGradient : public testing::TestWithParam<KeyRule> {};

/// Two refinement passes over nested rows, in a model with a pass interface and several layers.
TEST_P(RuleGradient, ThroughTwoRefinements) {
  ModelOptions options = test::tiny_recurrent();
  options.prelude = 0;
  options.core = 2;
  options.coda = 1;
  options.film = true;
  const Parameters parameters = test::lively_parameters(options, at::kDouble);
  const at::Tensor tokens_BT = test::some_tokens(options, 2, 4),
                   targets_BT = test::some_tokens(options, 2, 4, 100);
  const auto loss = [&] {
    const Network network(options, parameters, at::kDouble);
    BasePasses base = network.base_passes(tokens_BT, {.keys = true});
    for (const std::vector<int64_t>& rows : {std::vector<int64_t>{1, 2, 3, 7}, {2, 3}})
      base = network.advance(base, network.refine(base, at::tensor(rows, at::kLong), {GetParam()}));
    return network.cross_entropy(base.features_BTD, targets_BT).mean();
  };
  test::expect_gradients(loss, test::read_weights(parameters, options));
}

INSTANTIATE_TEST_SUITE_P(Rules, RuleGradient,
                         testing::Values(KeyRule::kCoarse, KeyRule::kLatest, KeyRule::kSameDepth,
                                         KeyRule::kDuo, KeyRule::kCopyState));

INSTANTIATE_TEST_SUITE_P(Variants, NetworkGradient, testing::ValuesIn(test::variants()),
                         test::variant_name);

}  // namespace
}  // namespace reprise
