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

INSTANTIATE_TEST_SUITE_P(Variants, NetworkGradient, testing::ValuesIn(test::variants()),
                         test::variant_name);

}  // namespace
}  // namespace reprise
