// Other numbers of passes than the model's, and back-propagation through the last of them only.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "models/live_bytes.h"
#include "models/network.h"
#include "models/ops/rms_norm.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

using test::lively_parameters;
using test::relative_difference;
using test::some_tokens;

std::vector<at::Tensor> leaves_of(const Parameters& parameters) {
  std::vector<at::Tensor> leaves;
  for (const Parameter& parameter : parameters.list()) leaves.push_back(parameter.tensor);
  return leaves;
}

/// The loss and its gradient in every parameter; undefined where none came.
std::vector<at::Tensor> loss_and_gradients(const ModelOptions& options, PassRun run) {
  const Parameters parameters = lively_parameters(options, at::kDouble);
  const Network network(options, parameters, at::kDouble);
  const at::Tensor tokens = some_tokens(options, 2, 6), targets = some_tokens(options, 2, 6, 5);
  const at::Tensor loss =
      network.cross_entropy(network.base_passes(tokens, {}, run).features_BTD, targets).sum();
  auto results = torch::autograd::grad({loss}, leaves_of(parameters), {}, {}, false, true);
  results.insert(results.begin(), loss.detach());
  return results;
}

TEST(PassRun, OfOtherPassesIsTheModelOfThatManyPasses) {
  ModelOptions options = test::tiny_recurrent();
  for (const int64_t passes : {1, 2, 3, 5}) {
    SCOPED_TRACE(passes);
    options.passes = 3;
    const auto run = loss_and_gradients(options, {.passes = passes});
    options.passes = passes;
    const auto model = loss_and_gradients(options, {});
    for (size_t i = 0; i < run.size(); ++i) EXPECT_TRUE(at::equal(run[i], model[i])) << i;
  }
}

TEST(PassRun, ThroughAllPassesOrMoreIsNotTruncated) {
  const ModelOptions options = test::tiny_recurrent();
  const auto full = loss_and_gradients(options, {});
  for (const int64_t graph_passes : {2, 3}) {
    const auto run = loss_and_gradients(options, {.graph_passes = graph_passes});
    for (size_t i = 0; i < run.size(); ++i) EXPECT_TRUE(at::equal(run[i], full[i])) << i;
  }
}

class TruncatedRun : public testing::TestWithParam<Readout> {};

// The same layers called one by one, with the hidden state detached between passes by hand.
TEST_P(TruncatedRun, IsTheGradientWithTheEarlierPassesHeldFixed) {
  ModelOptions options = test::tiny_recurrent();
  options.passes = 4;
  options.readout = GetParam();
  const Parameters parameters = lively_parameters(options, at::kDouble);
  const Network network(options, parameters, at::kDouble);
  const at::Tensor tokens = some_tokens(options, 2, 6), targets = some_tokens(options, 2, 6, 5);
  const auto rotary = ops::make_rotary_table(
      {options.context, options.head_width(), options.rope_share, options.rope_base},
      at::TensorOptions(at::kDouble));
  const at::Tensor embedded_MD =
      ops::rms_norm(at::embedding(parameters["embedding"], tokens)).flatten(0, 1);
  const RowSet rows{at::arange(12, at::kLong) % 6, embedded_MD, rotary};
  const ops::Sight sight = ops::see_all(2, 6, at::kCPU);
  const auto layer = [&](int64_t index, const at::Tensor& hidden_MD) {
    return run_layer(
        bind_layer(parameters, options, {}, {index}, at::kDouble), hidden_MD, rows,
        {.attend = [&](const ops::Heads& heads) {
          return ops::attention(heads.queries_MHE, {heads.keys_MGE, heads.values_MGE}, sight);
        }});
  };
  at::Tensor hidden_MD = layer(0, embedded_MD), sum_MD = at::zeros_like(embedded_MD);
  for (int pass = 0; pass < 4; ++pass) {
    hidden_MD = layer(1, pass <= 2 ? hidden_MD.detach() : hidden_MD);
    const at::Tensor readout_MD = ops::rms_norm(layer(2, hidden_MD));
    sum_MD = sum_MD + (pass < 2 ? readout_MD.detach() : readout_MD);
  }
  const at::Tensor last_MD = ops::rms_norm(layer(2, hidden_MD));
  const at::Tensor features_BTD =
      (GetParam() == Readout::kSum ? sum_MD : last_MD).view({2, 6, options.width});
  const at::Tensor loss = network.cross_entropy(features_BTD, targets).sum();
  const auto expected = torch::autograd::grad({loss}, leaves_of(parameters), {}, {}, false, true);

  const auto run = loss_and_gradients(options, {.graph_passes = 2});
  EXPECT_NEAR(run[0].item<double>(), loss.item<double>(), 1e-12);
  for (size_t i = 0; i < expected.size(); ++i) {
    SCOPED_TRACE(parameters.list()[i].name);
    ASSERT_EQ(run[i + 1].defined(), expected[i].defined());
    if (!expected[i].defined()) continue;
    EXPECT_LT(relative_difference(run[i + 1], expected[i]), 1e-12);
  }
  EXPECT_FALSE(run[2].defined()) << "nothing reads the prelude's output but the first pass";
}

INSTANTIATE_TEST_SUITE_P(Readouts, TruncatedRun, testing::Values(Readout::kLast, Readout::kSum),
                         [](const auto& test) { return std::string(enum_name(test.param)); });

/// What a forward pass leaves for backward, in bytes.
int64_t bytes_for_backward(const Network& network, const at::Tensor& tokens, PassRun run) {
  const LiveBytes live;
  const BasePasses base = network.base_passes(tokens, {}, run);
  return live.now();
}

TEST(PassRun, TruncatedASummedReadoutStoresNothingOfTheEarlierPasses) {
  ModelOptions options = test::tiny_recurrent();
  options.width = 64, options.context = 64, options.prelude = 0;
  options.readout = Readout::kSum;
  const Network network(options, lively_parameters(options, at::kFloat), at::kFloat);
  const at::Tensor tokens = some_tokens(options, 4, 64);
  bytes_for_backward(network, tokens, {});
  const int64_t two = bytes_for_backward(network, tokens, {.passes = 2});
  const int64_t truncated = bytes_for_backward(network, tokens, {.passes = 8, .graph_passes = 2});
  const int64_t hidden = 4 * 64 * 64 * 4;  // which enters the first pass with a graph
  EXPECT_LE(truncated, two + hidden);
}

TEST(PassRun, TruncatedItStoresNothingOfTheEarlierPasses) {
  ModelOptions options = test::tiny_recurrent();
  options.width = 64, options.context = 64, options.prelude = 0;
  const Network network(options, lively_parameters(options, at::kFloat), at::kFloat);
  const at::Tensor tokens = some_tokens(options, 4, 64);
  bytes_for_backward(network, tokens, {});  // casts every weight
  const int64_t one = bytes_for_backward(network, tokens, {.passes = 1});
  const int64_t two = bytes_for_backward(network, tokens, {.passes = 2});
  const int64_t eight = bytes_for_backward(network, tokens, {.passes = 8});
  const int64_t truncated = bytes_for_backward(network, tokens, {.passes = 8, .graph_passes = 2});
  ASSERT_GT(two, one);
  EXPECT_EQ(eight - two, 6 * (two - one));
  // The hidden state that enters the first pass with a graph; without truncation that is x0, which
  // is kept anyway.
  const int64_t hidden = 4 * 64 * 64 * 4;
  EXPECT_LE(truncated, two + hidden);
}

/// The most that a forward and a backward pass hold, in bytes.
int64_t peak_bytes(const ModelOptions& options, PassRun run) {
  const Parameters parameters = lively_parameters(options, at::kFloat);
  const at::Tensor tokens = some_tokens(options, 2, options.context);
  const LiveBytes live;
  const Network network(options, parameters, at::kBFloat16);
  const BasePasses base = network.base_passes(tokens, {}, run);
  network.cross_entropy(base.features_BTD, tokens).sum().backward();
  return live.peak();
}

// The figures go to docs/training.md: --gtest_output=xml shows them.
TEST(PassRun, TruncatedAtEightPassesItsPeakIsFarBelowTheFullOne) {
  ModelOptions options;
  options.passes = 8;
  const int64_t full = peak_bytes(options, {}),
                truncated = peak_bytes(options, {.graph_passes = 2});
  RecordProperty("full_bytes", concat(full));
  RecordProperty("truncated_bytes", concat(truncated));
  EXPECT_LT(truncated, full / 2);
}

TEST(PassRun, TruncatedItsPreludeIsFreed) {
  ModelOptions options = test::tiny_recurrent();
  options.width = 64, options.context = 64;
  const Network network(options, lively_parameters(options, at::kFloat), at::kFloat);
  const at::Tensor tokens = some_tokens(options, 4, 64);
  bytes_for_backward(network, tokens, {});
  const int64_t one = bytes_for_backward(network, tokens, {.passes = 1});
  const int64_t two = bytes_for_backward(network, tokens, {.passes = 2});
  const int64_t truncated = bytes_for_backward(network, tokens, {.passes = 8, .graph_passes = 1});
  EXPECT_LT(truncated, one - (two - one) / 2) << "one layer's worth less than with the prelude";
}

// The first use of a layer may lie in a pass without a graph; its weights must not be cut off.
TEST(PassRun, TruncatedItStillTrainsTheSharedLayersInHalfPrecision) {
  ModelOptions options = test::tiny_recurrent();
  const Parameters parameters = lively_parameters(options, at::kFloat);
  const Network network(options, parameters, at::kBFloat16);
  const at::Tensor tokens = some_tokens(options, 2, 6);
  const BasePasses base = network.base_passes(tokens, {}, {.passes = 4, .graph_passes = 1});
  network.cross_entropy(base.features_BTD, tokens).sum().backward();
  EXPECT_GT(parameters["layer.1.attention.query"].grad().abs().sum().item<float>(), 0);
}

TEST(ParameterView, ChangesWhatANetworkSeesAndNotWhatIsTrained) {
  const ModelOptions options = test::tiny_recurrent();
  const Parameters parameters = lively_parameters(options, at::kDouble);
  const Parameters doubled =
      parameters.seen_through([](const Parameter& parameter) { return parameter.tensor * 2; });
  EXPECT_TRUE(at::equal(doubled["layer.1.mlp.up"], 2 * parameters["layer.1.mlp.up"]));
  EXPECT_TRUE(doubled.list()[0].tensor.is_same(parameters.list()[0].tensor));
  doubled["layer.1.mlp.up"].sum().backward();
  EXPECT_TRUE(at::equal(parameters["layer.1.mlp.up"].grad(),
                        at::full_like(parameters["layer.1.mlp.up"], 2)));
}

}  // namespace
}  // namespace reprise
