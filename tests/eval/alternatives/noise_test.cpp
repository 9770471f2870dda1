#include "eval/alternatives/noise.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/eval/trained_like.h"

namespace reprise {
namespace {

/// One document of so many tokens.
struct Text {
  explicit Text(int64_t tokens) {
    documents[0].tokens = tokens;
    documents[0].hash[3] = 9;
    text.documents = documents;
    for (int64_t i = 0; i < tokens; ++i) text.tokens.push_back(static_cast<Token>(i % 300));
  }
  std::vector<Document> documents{1};
  UnitText text;
};

TEST(Noise, FollowsFromThePositionNotFromTheBatch) {
  const Text one(41);
  const ScoringBatch whole = make_batch(one.text, {{0, 0, 40, 0}}),
                     later = make_batch(one.text, {{0, 0, 12, 0}, {0, 10, 30, 5}});
  const at::Tensor of_whole = draw_noise(whole, 6, 3, 1), of_later = draw_noise(later, 6, 3, 1);
  EXPECT_TRUE(of_later.narrow(0, 30, 30).equal(of_whole.narrow(0, 10, 30))) << "context included";
  EXPECT_TRUE(of_later.narrow(0, 0, 12).equal(of_whole.narrow(0, 0, 12)));
  EXPECT_TRUE(of_later.narrow(0, 12, 18).equal(at::zeros({18, 6}))) << "padding";
  EXPECT_TRUE(draw_noise(whole, 4, 3, 1).equal(of_whole.narrow(1, 0, 4))) << "channels";
}

TEST(Noise, DiffersBySeedTrajectoryPositionAndDocument) {
  const Text one(41);
  Text other(41);
  other.documents[0].hash[3] = 10;
  const ScoringBatch batch = make_batch(one.text, {{0, 0, 40, 0}});
  const at::Tensor noise = draw_noise(batch, 64, 3, 0);
  const auto related = [&](const at::Tensor& second) {
    return (noise * second).mean().abs().item<double>() > 0.1;  // six errors of 40 x 64 products
  };
  EXPECT_TRUE(related(draw_noise(batch, 64, 3, 0)));
  EXPECT_FALSE(related(draw_noise(batch, 64, 4, 0)));
  EXPECT_FALSE(related(draw_noise(batch, 64, 3, 1)));
  EXPECT_FALSE(related(noise.roll(1, 0)));
  EXPECT_FALSE(related(draw_noise(make_batch(other.text, {{0, 0, 40, 0}}), 64, 3, 0)));
  EXPECT_NEAR(noise.mean().item<double>(), 0, 0.1);
  EXPECT_NEAR(noise.square().mean().item<double>(), 1, 0.15);
}

TEST(Disturb, AddsNoiseOfTheStatesOwnSize) {
  ModelOptions options = model_of(32, 4, 24);
  options.skips = true;
  const Network network(options, trained_like_parameters(options, 1), at::kFloat);
  const ScoringBatch batch = full_window(options);
  const at::NoGradGuard no_grad;
  const BasePasses base = network.base_passes(batch.tokens_BT, {.keys = true});
  const int64_t channels = state_channels(base);
  int64_t streams = 1;
  for (const at::Tensor& skip : base.coarse.skips_MD) streams += skip.defined();
  ASSERT_GT(streams, 1);
  EXPECT_EQ(channels, 32 * streams);
  const at::Tensor noise_MC = draw_noise(batch, channels, 1, 0);
  const BasePasses disturbed = disturb(base, noise_MC, 0.1);
  const at::Tensor h_MD = base.coarse.hidden_MD;
  const at::Tensor expected_MD =
      h_MD + 0.1 * h_MD.square().mean(1, true).sqrt() * noise_MC.narrow(1, 0, 32);
  EXPECT_TRUE(disturbed.coarse.hidden_MD.allclose(expected_MD, 1e-6, 1e-7));
  for (size_t layer = 0; layer < base.coarse.skips_MD.size(); ++layer)
    if (base.coarse.skips_MD[layer].defined()) {
      EXPECT_FALSE(disturbed.coarse.skips_MD[layer].allclose(base.coarse.skips_MD[layer]));
    }
  const BasePasses same = disturb(base, noise_MC, 0);
  EXPECT_TRUE(same.coarse.hidden_MD.equal(h_MD));
}

}  // namespace
}  // namespace reprise
