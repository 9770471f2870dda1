// Predictions and checks where the network lies on another device than the host: the pretend one
// (tests/support/pretend_device.h).
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "eval/checks.h"
#include "eval/predictions.h"
#include "eval/signals.h"
#include "models/device.h"
#include "tests/models/tiny_models.h"
#include "tests/support/pretend_device.h"

namespace reprise {
namespace {

class DeviceScoring : public testing::Test {
 protected:
  /// The same weights on `device`.
  static Network network_on(at::Device device) {
    const ModelOptions options = test::tiny_recurrent();
    const Parameters lively = test::lively_parameters(options, at::kFloat);
    const Parameters parameters(options, 0, device);
    for (const Parameter& parameter : parameters.list())
      at::Tensor(parameter.tensor.detach()).copy_(lively[parameter.name].detach());
    return {options, parameters, at::kFloat};
  }

  const at::NoGradGuard no_grad_;
  Network here_ = network_on(test::pretend_device()), host_ = network_on(at::kCPU);
  at::Tensor tokens_BT_ = test::some_tokens(here_.options(), 3, 6);
};

// The host's own kernels sum in another order: some times 2^-24 of logits of a few.
TEST_F(DeviceScoring, GivesTheHostsPredictions) {
  const at::Tensor targets_N = test::some_tokens(here_.options(), 3, 6, 98).flatten();
  const auto predictions_of = [&](const Network& network) {
    const BasePasses base = network.base_passes(tokens_BT_);
    return predict(network, base.features_BTD.flatten(0, 1), targets_N);
  };
  const Predictions ours = predictions_of(here_), expected = predictions_of(host_);
  ASSERT_EQ(ours.nll.size(), 18u);
  for (size_t n = 0; n < ours.nll.size(); ++n) {
    EXPECT_NEAR(ours.nll[n], expected.nll[n], 1e-5);
    EXPECT_NEAR(ours.entropy[n], expected.entropy[n], 1e-5);
    EXPECT_NEAR(ours.margin[n], expected.margin[n], 1e-5);
    EXPECT_EQ(ours.top1[n], expected.top1[n]);
  }
}

TEST_F(DeviceScoring, GivesTheHostsSignals) {
  const at::Tensor rows_N = at::tensor({0, 3, 5, 6, 17}, at::kLong), targets_N = rows_N % 11;
  const auto observed_by = [&](const Network& network) {
    return observe(network, network.base_passes(tokens_BT_, {.all_passes = true, .trail = true}),
                   rows_N, targets_N);
  };
  const Observed ours = observed_by(here_), expected = observed_by(host_);
  EXPECT_EQ(ours.signals.size(), 8U);
  for (const auto& [signal, values] : expected.signals)
    for (size_t n = 0; n < values.size(); ++n)
      EXPECT_NEAR(ours.signals.at(signal)[n], values[n], 1e-5) << enum_name(signal);
  for (size_t n = 0; n < expected.predictions.nll.size(); ++n) {
    EXPECT_NEAR(ours.predictions.nll[n], expected.predictions.nll[n], 1e-5);
    EXPECT_NEAR(ours.predictions.max_probability[n], expected.predictions.max_probability[n], 1e-5);
  }
}

TEST_F(DeviceScoring, TheSparsePassIsTheMaskedDenseOneAndTheHosts) {
  const BasePasses base = here_.base_passes(tokens_BT_, {.keys = true});
  const BasePasses on_host = host_.base_passes(tokens_BT_, {.keys = true});
  for (const at::Tensor& rows_M :
       {at::tensor({0, 5, 6, 16, 17}, at::kLong), at::tensor({9}, at::kLong),
        at::empty({0}, at::kLong), at::arange(18, at::kLong)}) {
    SCOPED_TRACE(concat("rows ", rows_M.numel()));
    const at::Tensor mask_BT =
        at::zeros({18}, at::kBool).index_fill_(0, rows_M, true).view_as(tokens_BT_);
    const at::Tensor sparse_MD = here_.refine_rows(base, rows_M).cpu();
    const at::Tensor dense_MD =
        here_.refine_masked(base, mask_BT).features_BTD.cpu().flatten(0, 1).index_select(0, rows_M);
    EXPECT_LT(test::relative_difference(sparse_MD, dense_MD), 1e-5);
    EXPECT_LT(test::relative_difference(sparse_MD, host_.refine_rows(on_host, rows_M)), 1e-5);
  }
}

TEST_F(DeviceScoring, TheChecksOfAnEvaluationHoldThere) {
  const int64_t context = here_.options().context;
  std::vector<Document> documents(1);
  documents[0].tokens = context + 1;
  UnitText text;
  text.documents = documents;
  for (int64_t i = 0; i <= context; ++i) text.tokens.push_back(static_cast<Token>(i * 7 % 11));
  const Scorer scorer(here_, {make_gate({"entropy", 2.0, 0.5, ""})});
  const auto results =
      run_checks(CheckedOperations(scorer), {make_batch(text, {{0, 0, context, 0}})},
                 Arithmetic::kFp32, *make_self_communicator());
  require_passed(results, Passes::kRefined);
  for (const CheckResult& result : results) EXPECT_TRUE(result.measured) << enum_name(result.check);
}

}  // namespace
}  // namespace reprise
