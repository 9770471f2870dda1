// What packing costs, pass by pass, against the network called by hand.
#include "eval/packing_loss.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "eval/bits_per_byte.h"
#include "tests/eval/tiny_world.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

class PackingLossTest : public testing::Test {
 protected:
  PackingLossTest() {
    write_tiny_corpus(folder_.path());
    corpus_.emplace(folder_.path() / "corpus");
    options_ = tiny_model(*corpus_, Family::kRecurrent);
    units_ = unit_options({}, options_);
    units_.batch_tokens = 256;
  }

  /// Every weight by `factor`.
  Network network(double factor = 1) const {
    const at::NoGradGuard no_grad;
    const Parameters parameters = random_parameters(options_);
    for (const Parameter& parameter : parameters.list()) parameter.tensor.mul_(factor);
    return {options_, parameters, at::kFloat};
  }

  TemporaryFolder folder_;
  std::optional<Corpus> corpus_;
  ModelOptions options_;
  UnitOptions units_;
};

TEST_F(PackingLossTest, DrawsWholeUnitsSpreadOverTheSplit) {
  const LossSample few = draw_loss_sample(*corpus_, Split::kTrain, 300, units_);
  const LossSample all = draw_loss_sample(*corpus_, Split::kTrain, 1'000'000, units_);
  EXPECT_GE(few.tokens, 300);
  EXPECT_LT(few.tokens, all.tokens);
  int64_t documents_bytes = 0;
  for (const auto& document : corpus_->documents(Split::kTrain))
    documents_bytes += document.bytes.value;
  EXPECT_EQ(all.bytes.value, documents_bytes);
}

TEST_F(PackingLossTest, AModelAgainstItselfLosesNothing) {
  const LossSample sample = draw_loss_sample(*corpus_, Split::kValid, 1'000, units_);
  const PackingLoss loss = compare_networks(network(), network(), sample, {.runs = true});
  ASSERT_EQ(loss.passes.size(), 3u) << "two base passes and a refinement pass";
  for (const PassLoss& pass : loss.passes) {
    EXPECT_EQ(pass.bpb_before, pass.bpb_after);
    EXPECT_EQ(pass.relative_error, 0);
  }
  EXPECT_NE(loss.passes[0].bpb_before, loss.passes[1].bpb_before);
}

TEST_F(PackingLossTest, GivesTheLossAndTheErrorOfEveryPass) {
  const at::NoGradGuard no_grad;
  const LossSample sample = draw_loss_sample(*corpus_, Split::kValid, 1'000, units_);
  const Network before = network(), after = network(1.1);
  const PackingLoss loss = compare_networks(before, after, sample, {});
  ASSERT_EQ(loss.passes.size(), 2u);
  double nats = 0, error = 0, original = 0;
  for (const ScoringBatch& batch : sample.batches) {
    const auto rows = [&](const Network& network) {
      return network.base_passes(batch.tokens_BT)
          .features_BTD.flatten(0, 1)
          .index_select(0, batch.rows_N);
    };
    const at::Tensor right = rows(before), packed = rows(after);
    nats += after.cross_entropy(packed, batch.targets_N).to(at::kDouble).sum().item<double>();
    error += (packed - right).to(at::kDouble).square().sum().item<double>();
    original += right.to(at::kDouble).square().sum().item<double>();
  }
  EXPECT_NEAR(loss.passes[1].bpb_after, bits_per_byte(Nats{nats}, sample.bytes), 1e-6);
  EXPECT_NEAR(loss.passes[1].relative_error, std::sqrt(error / original), 1e-6);
  EXPECT_NEAR(mean_nats(after, sample), nats / static_cast<double>(sample.tokens), 1e-6);
  EXPECT_GT(loss.passes[0].relative_error, 0);
  const nlohmann::json said = to_json(loss);
  EXPECT_EQ(said.at("split"), "valid");
  EXPECT_EQ(said.at("passes").size(), 2u);
  EXPECT_FALSE(said.at("passes").back().contains("refined"));
}

}  // namespace
}  // namespace reprise
