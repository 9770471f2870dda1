// What gates may look at: by hand, and on every variant of the models.
#include "eval/signals.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "eval/device_predictions.h"
#include "tests/models/variants.h"

namespace reprise {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

TEST(StateSignals, ByHand) {
  // Steps (0, 1) and (3, -1) to the state (3, 4), of length 5.
  const at::Tensor oldest = at::tensor({0.0, 4.0}).view({1, 2}),
                   before = at::tensor({0.0, 5.0}).view({1, 2}),
                   coarse = at::tensor({3.0, 4.0}).view({1, 2});
  const SignalValues signals = state_signals(oldest, before, coarse);
  EXPECT_THAT(signals.at(Signal::kResidual), ElementsAre(FloatNear(std::sqrt(10.f) / 5, 1e-6f)));
  EXPECT_THAT(signals.at(Signal::kCosine), ElementsAre(FloatNear(0.8f, 1e-6f)));
  EXPECT_THAT(signals.at(Signal::kSecondOrder), ElementsAre(FloatNear(std::sqrt(13.f) / 5, 1e-6f)));
}

TEST(PredictionSignals, ByHand) {
  const auto logits = [](double odds) {
    return at::tensor({std::log(odds), 0.0}, at::kFloat).view({1, 2});
  };
  // (3/4, 1/4) after (1/4, 3/4); early (1/2, 1/2).
  const SignalValues signals = prediction_signals(logits(3), logits(1. / 3), logits(1));
  EXPECT_THAT(signals.at(Signal::kMaxProbability), ElementsAre(FloatNear(0.75f, 1e-6f)));
  EXPECT_THAT(signals.at(Signal::kDivergence),
              ElementsAre(FloatNear(static_cast<float>(std::log(3) / 2), 1e-6f)));
  EXPECT_THAT(signals.at(Signal::kEntropyChange), ElementsAre(FloatNear(0, 1e-6f)));
  EXPECT_THAT(signals.at(Signal::kFlip), ElementsAre(1));
  EXPECT_THAT(signals.at(Signal::kEarlyDisagreement), ElementsAre(FloatNear(0.25f, 1e-6f)));
}

TEST(PredictionSignals, OfEqualPredictionsAreNothing) {
  const at::Tensor logits_NV = test::normal_tensor({5, 7}, 3, at::kFloat);
  const SignalValues signals = prediction_signals(logits_NV, logits_NV, logits_NV);
  for (const Signal signal :
       {Signal::kDivergence, Signal::kEntropyChange, Signal::kFlip, Signal::kEarlyDisagreement})
    EXPECT_THAT(signals.at(signal), testing::Each(FloatNear(0, 1e-6f))) << enum_name(signal);
}

// What logits on a device go through, run on the host.
TEST(PredictionSignals, AsTensorExpressionsAreTheSame) {
  for (const int64_t vocab : {1, 2, 64, 1001}) {
    const auto logits = [&](uint32_t stream) {
      return 6 * test::normal_tensor({33, vocab}, stream, at::kFloat);
    };
    const at::Tensor p_NV = logits(4), q_NV = logits(5), r_NV = logits(6);
    const SignalValues signals = prediction_signals(p_NV, q_NV, r_NV);
    const at::Tensor expected_CN = compare_rows(p_NV, q_NV, r_NV);
    int64_t row = 0;
    for (const Signal signal : {Signal::kMaxProbability, Signal::kDivergence,
                                Signal::kEntropyChange, Signal::kFlip, Signal::kEarlyDisagreement})
      EXPECT_LT(test::relative_difference(at::tensor(signals.at(signal)), expected_CN[row++]), 1e-6)
          << enum_name(signal) << " at vocabulary " << vocab;
  }
}

/// Predictions and signals of whole tables of logits.
void expect_observed(const Observed& observed, const Predictions& predictions,
                     const SignalValues& compared) {
  const auto expect_near = [](const auto& ours, const auto& expected) {
    EXPECT_LT(test::relative_difference(at::tensor(ours), at::tensor(expected)), 1e-5);
  };
  expect_near(observed.predictions.nll, predictions.nll);
  expect_near(observed.predictions.entropy, predictions.entropy);
  expect_near(observed.predictions.margin, predictions.margin);
  expect_near(observed.predictions.max_probability, predictions.max_probability);
  EXPECT_EQ(observed.predictions.top1, predictions.top1);
  EXPECT_EQ(observed.signals.at(Signal::kMaxProbability), observed.predictions.max_probability);
  for (const auto& [signal, values] : compared) {
    SCOPED_TRACE(enum_name(signal));
    expect_near(observed.signals.at(signal), values);
  }
}

// Products of fewer rows may add in another order: some times 2^-24.
TEST(Observed, OfSeveralBlocksIsThatOfWholeTables) {
  const at::NoGradGuard no_grad;
  ModelOptions options = test::tiny_recurrent();
  options.vocab = 2048;  // blocks of 128 rows
  const Network network(options, test::lively_parameters(options, at::kFloat), at::kFloat);
  const BasePasses base =
      network.base_passes(test::some_tokens(options, 30, 6), {.all_passes = true, .trail = true});
  const at::Tensor rows_N = at::arange(1, 180, at::kLong),
                   targets_N = test::some_tokens(options, 30, 6, 98).flatten().slice(0, 1);
  const auto logits = [&](const at::Tensor& features_BTD) {
    return network.logits(features_BTD.flatten(0, 1).slice(0, 1));
  };
  const at::Tensor coarse_NV = logits(base.features_BTD);
  const Predictions predictions = predict(coarse_NV, targets_N);
  expect_observed(observe(network, base, rows_N, targets_N), predictions,
                  prediction_signals(coarse_NV, logits(network.readout_before(base)),
                                     logits(network.early_readout_before(base))));
  const Predictions blocks =
      predict(network, base.features_BTD.flatten(0, 1).slice(0, 1), targets_N);
  expect_observed({blocks, {{Signal::kMaxProbability, blocks.max_probability}}, 0}, predictions,
                  {});
}

class Signals : public testing::TestWithParam<test::Variant> {
 protected:
  Signals() : network_(options(), test::lively_parameters(options(), at::kFloat), at::kFloat) {}

  const ModelOptions& options() const { return GetParam().options; }
  BasePasses base_of(const at::Tensor& tokens_BT) const {
    return network_.base_passes(tokens_BT, {.all_passes = true, .trail = true});
  }

  const at::NoGradGuard no_grad_;
  Network network_;
  const at::Tensor tokens_BT_ = test::some_tokens(options(), 2, 6);
};

TEST_P(Signals, AreFiniteAndOfEveryKind) {
  const SignalValues signals =
      signals_of(network_, base_of(tokens_BT_), at::tensor({0, 3, 5, 6, 11}, at::kLong));
  EXPECT_EQ(signals.size(), 8U);
  for (const auto& [signal, values] : signals) {
    EXPECT_EQ(values.size(), 5U);
    for (const float value : values) EXPECT_TRUE(std::isfinite(value)) << enum_name(signal);
  }
  // A position may have halted with the state before the last.
  EXPECT_GT(signals.at(Signal::kResidual).front(), 0);
}

TEST_P(Signals, ALaterTokenChangesNone) {
  const at::Tensor rows_N = at::tensor({0, 1, 2}, at::kLong);
  at::Tensor others_BT = tokens_BT_.clone();
  others_BT[0][3] = (others_BT[0][3] + 1) % options().vocab;
  EXPECT_EQ(signals_of(network_, base_of(others_BT), rows_N),
            signals_of(network_, base_of(tokens_BT_), rows_N));
}

TEST_P(Signals, TheTrailEndsWithTheLastTwoPassesOrLayers) {
  const BasePasses base = base_of(tokens_BT_);
  ASSERT_EQ(base.trail.size(), 3U);
  EXPECT_TRUE(at::equal(base.trail[2].hidden_MD, base.coarse.hidden_MD));
  if (options().passes == 1) return;
  EXPECT_TRUE(
      at::equal(base.trail[1].hidden_MD, base.streams_P[base.streams_P.size() - 2].hidden_MD));
  EXPECT_TRUE(
      at::equal(network_.readout_before(base), network_.readout(base, options().passes - 2)));
}

INSTANTIATE_TEST_SUITE_P(Variants, Signals, testing::ValuesIn(test::variants()),
                         test::variant_name);

}  // namespace
}  // namespace reprise
