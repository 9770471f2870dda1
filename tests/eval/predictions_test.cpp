// From logits to likelihood, entropy, margin and hit, against the textbook formulas in double
// precision.
#include "eval/predictions.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "eval/device_predictions.h"

namespace reprise {
namespace {

TEST(Predictions, UniformByHand) {
  const Predictions p = predict(at::zeros({1, 4}), at::tensor({2}, at::kLong));
  EXPECT_NEAR(p.nll[0], std::log(4), 1e-12);
  EXPECT_NEAR(p.entropy[0], std::log(4), 1e-6);
  EXPECT_EQ(p.margin[0], 0);
  EXPECT_EQ(p.max_probability[0], 0.25f);
  EXPECT_EQ(p.top1[0], 0);  // the lowest of equals is token 0
}

TEST(Predictions, TwoTokensByHand) {
  // p = (3/4, 1/4)
  const at::Tensor logits = at::tensor({std::log(3.0f), 0.0f}).unsqueeze(0);
  const Predictions p = predict(logits, at::tensor({0}, at::kLong));
  EXPECT_NEAR(p.nll[0], -std::log(0.75), 1e-7);
  EXPECT_NEAR(p.entropy[0], -0.75 * std::log(0.75) - 0.25 * std::log(0.25), 1e-6);
  EXPECT_NEAR(p.margin[0], 0.5, 1e-6);
  EXPECT_NEAR(p.max_probability[0], 0.75, 1e-6);
  EXPECT_EQ(p.top1[0], 1);
}

TEST(Predictions, AgreeWithTheFormulasInDoublePrecision) {
  at::manual_seed(1);
  for (const int64_t vocab : {1, 2, 7, 64, 1001}) {
    const at::Tensor logits = at::randn({33, vocab}) * 6;
    const at::Tensor targets = at::randint(vocab, {33}, at::kLong);
    const Predictions p = predict(logits, targets);
    const at::Tensor log_p = at::log_softmax(logits.to(at::kDouble), -1), probability = log_p.exp();
    const at::Tensor nll = -log_p.gather(1, targets.unsqueeze(1)).squeeze(1);
    const at::Tensor entropy = -(probability * log_p).sum(-1);
    const at::Tensor first_two = std::get<0>(probability.topk(std::min<int64_t>(2, vocab), -1));
    for (int64_t n = 0; n < 33; ++n) {
      const auto i = static_cast<size_t>(n);
      EXPECT_NEAR(p.nll[i], nll[n].item<double>(), 2e-6);
      EXPECT_NEAR(p.entropy[i], entropy[n].item<double>(), 5e-6);
      const double second = vocab == 1 ? 0 : first_two[n][1].item<double>();
      EXPECT_NEAR(p.margin[i], first_two[n][0].item<double>() - second, 1e-6);
      EXPECT_NEAR(p.max_probability[i], first_two[n][0].item<double>(), 1e-6);
      EXPECT_EQ(p.top1[i], targets[n].item<int64_t>() == logits[n].argmax().item<int64_t>());
    }
  }
}

TEST(Predictions, AgreeWithPyTorch) {
  const auto golden = nlohmann::json::parse(read_file(GOLDEN_DIR "/predictions.json"));
  const auto floats = golden.at("logits").get<std::vector<std::vector<float>>>();
  const auto targets = golden.at("targets").get<std::vector<int64_t>>();
  std::vector<at::Tensor> rows;
  for (const auto& row : floats) rows.push_back(at::tensor(row));
  const Predictions p = predict(at::stack(rows), at::tensor(targets));
  for (size_t i = 0; i < targets.size(); ++i) {
    EXPECT_NEAR(p.nll[i], golden["nll"][i], 2e-6);
    EXPECT_NEAR(p.entropy[i], golden["entropy"][i], 5e-6);
    EXPECT_NEAR(p.margin[i], golden["margin"][i], 1e-6);
    EXPECT_EQ(p.top1[i], golden["top1"][i]);
  }
}

// What logits on a device go through, run on the host: fp64 sums in another order, of exponentials
// that differ by some 2^-24. Small whole numbers give rows with several most likely tokens.
TEST(Predictions, AsTensorExpressionsAreTheSame) {
  at::manual_seed(3);
  for (const int64_t vocab : {1, 2, 64, 1001})
    for (const at::Tensor& logits :
         {at::randn({33, vocab}) * 6, at::randint(3, {33, vocab}, at::kFloat)}) {
      const at::Tensor targets = at::randint(vocab, {33}, at::kLong);
      const Predictions p = predict(logits, targets);
      const at::Tensor scores = score_rows(logits, targets);
      for (int64_t n = 0; n < 33; ++n) {
        const auto i = static_cast<size_t>(n);
        EXPECT_NEAR(scores[0][n].item<double>(), p.nll[i], 1e-7);
        EXPECT_NEAR(scores[1][n].item<double>(), p.entropy[i], 1e-6);
        EXPECT_NEAR(scores[2][n].item<double>(), p.margin[i], 1e-7);
        EXPECT_NEAR(scores[3][n].item<double>(), p.max_probability[i], 1e-7);
        EXPECT_EQ(scores[4][n].item<double>(), p.top1[i]);
      }
    }
}

TEST(Predictions, EachRowStandsAlone) {
  at::manual_seed(2);
  const at::Tensor logits = at::randn({10, 50}), targets = at::randint(50, {10}, at::kLong);
  const Predictions whole = predict(logits, targets);
  const Predictions part = predict(logits.narrow(0, 3, 2), targets.narrow(0, 3, 2));
  EXPECT_EQ(part.nll[0], whole.nll[3]);
  EXPECT_EQ(part.entropy[1], whole.entropy[4]);
}

}  // namespace
}  // namespace reprise
