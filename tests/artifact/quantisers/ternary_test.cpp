#include "models/artifact/quantisers/ternary.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "models/artifact/quantisers/half.h"
#include "models/artifact/quantisers/half_quantiser.h"
#include "tests/artifact/quantisers/read_back.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

std::string one_scale(float scale) {
  std::string stream;
  append_half(stream, to_half(scale));
  return stream;
}

TEST(Ternary, EveryByteIsFiveTrits) {
  for (int byte = 0; byte < 243; ++byte) {
    const std::string codes(1, static_cast<char>(byte));
    const std::vector<float> values = dequantise_ternary(5, one_scale(0.5), codes);
    std::vector<int8_t> trits;
    for (const float value : values) trits.push_back(static_cast<int8_t>(2 * value));
    int digits = 0;
    for (size_t i = 5; i-- > 0;) digits = 3 * digits + (trits[i] + 3) % 3;
    EXPECT_EQ(digits, byte);
    std::string packed;
    append_trits(packed, trits);
    EXPECT_EQ(packed, codes) << byte;
  }
}

TEST(Ternary, BytesBeyondFiveTritsAreRefused) {
  for (int byte = 243; byte < 256; ++byte)
    EXPECT_THAT(
        bad_input_line([&] { dequantise_ternary(5, one_scale(1), std::string(1, char(byte))); }),
        testing::HasSubstr("beyond five trits"));
}

TEST(Ternary, NothingMayLieBehindTheEndOfARow) {
  for (int columns = 1, most = 3; columns < 5; ++columns, most *= 3)
    for (int byte = 0; byte < 243; ++byte) {
      const auto read = [&] {
        dequantise_ternary(columns, one_scale(1), std::string(1, char(byte)));
      };
      EXPECT_EQ(bad_input_line(read).empty(), byte < most) << columns << " columns, byte " << byte;
    }
}

/// The least error of a row: every set of weights that are not zero, each with its best scale.
double least_error(std::span<const float> weights, std::span<const float> importance) {
  double energy = 0, most_saved = 0;
  for (size_t i = 0; i < weights.size(); ++i) energy += importance[i] * weights[i] * weights[i];
  for (unsigned kept = 1; kept < 1U << weights.size(); ++kept) {
    double weighted = 0, total = 0;
    for (size_t i = 0; i < weights.size(); ++i)
      if (kept >> i & 1U) {
        weighted += importance[i] * std::abs(weights[i]);
        total += importance[i];
      }
    most_saved = std::max(most_saved, weighted * weighted / total);
  }
  return energy - most_saved;
}

TEST(TernaryQuantiser, IsWithinTheRoundingOfTheScaleOfTheOptimum) {
  constexpr size_t kMatrixRows = 40, kMatrixColumns = 11;
  HostTensor tensor{
      "matrix", {kMatrixRows, kMatrixColumns}, random_values(kMatrixRows * kMatrixColumns, 0.1, 4)};
  for (const bool weighted : {false, true}) {
    Importance importance{std::vector<float>(kMatrixRows, 1),
                          std::vector<float>(kMatrixColumns, 1)};
    if (weighted) importance.columns = random_importance(1, kMatrixColumns, 9).columns;
    const std::vector<float> values = read_back(
        tensor, make_quantiser({tensor, importance}, only_scheme("ternary"))->quantise(1e-12));
    for (size_t row = 0; row < kMatrixRows; ++row) {
      const auto weights = std::span(tensor.values).subspan(row * kMatrixColumns, kMatrixColumns);
      double error = 0, energy = 0;
      for (size_t i = 0; i < kMatrixColumns; ++i) {
        const double off = weights[i] - values[row * kMatrixColumns + i];
        error += importance.columns[i] * off * off;
        energy += importance.columns[i] * weights[i] * weights[i];
      }
      const double least = least_error(weights, importance.columns);
      EXPECT_GE(error, least * (1 - 1e-6));
      // A scale off by at most 2^(1/16) adds its square of what the codes hold.
      EXPECT_LE(error, least + 0.002 * energy) << "row " << row;
    }
  }
}

// tests/golden/make_body_golden.py tried every scale of the ladder with every number of weights.
TEST(TernaryQuantiser, TakesTheScalesAndTritsOfLeastError) {
  const BodyGolden golden = read_body_golden();
  const Subject subject{golden.tensor, golden.importance};
  const auto quantiser = make_quantiser(subject, only_scheme("ternary"));
  const QuantisedTensor found = quantiser->quantise(1e-12);
  const auto& expected = golden.json.at("ternary");
  std::string scales, codes;
  for (const uint16_t scale : expected.at("scales").get<std::vector<uint16_t>>())
    append_half(scales, scale);
  for (const auto& row : expected.at("codes"))
    for (const int byte : row) codes += static_cast<char>(byte);
  EXPECT_EQ(found.streams.at(0), scales);
  EXPECT_EQ(found.streams.at(1), codes);
  const double distortion = expected.at("distortion");
  EXPECT_NEAR(quantiser->forecast(1e-12).distortion, distortion, 1e-5 * distortion);
  EXPECT_NEAR(weighted_distortion(subject, read_back(golden.tensor, found)), distortion,
              1e-5 * distortion);
}

TEST(TernaryQuantiser, ImportanceLowersTheErrorThatItWeighs) {
  const HostTensor tensor{"matrix", {48, 64}, random_values(48 * 64, 0.05, 11)};
  const Subject weighted{tensor, random_importance(48, 64, 2)};
  const auto error = [&](const Importance& importance) {
    const auto quantiser = make_quantiser({tensor, importance}, only_scheme("ternary"));
    return weighted_distortion(weighted, read_back(tensor, quantiser->quantise(1e-12)));
  };
  EXPECT_LT(error(weighted.importance), 0.95 * error(relative_importance(tensor)));
}

TEST(TernaryQuantiser, ForecastsTheEntropyOfItsTrits) {
  const HostTensor tensor{"matrix", {64, 200}, random_values(64 * 200, 0.05, 8)};
  const auto quantiser =
      make_quantiser({tensor, relative_importance(tensor)}, only_scheme("ternary"));
  for (const double slope : {1e-6, 0.2, 0.4, 0.6}) {
    double zeros = 0;
    const std::vector<float> values = read_back(tensor, quantiser->quantise(slope));
    for (const float value : values) zeros += value == 0;
    const double share = zeros / static_cast<double>(values.size());
    const double bits = -share * std::log2(share) - (1 - share) * std::log2((1 - share) / 2);
    const double forecast = quantiser->forecast(slope).bits - 4.0 * 64;
    EXPECT_NEAR(forecast / static_cast<double>(values.size()), bits, 0.03) << slope;
  }
}

TEST(TernaryQuantiser, HasManyPointsAlongTheRate) {
  const HostTensor tensor{"matrix", {64, 200}, random_values(64 * 200, 0.05, 8)};
  const auto quantiser =
      make_quantiser({tensor, relative_importance(tensor)}, only_scheme("ternary"));
  std::set<double> sizes;
  for (double slope = 1e-4; slope < 10; slope *= 1.1) sizes.insert(quantiser->forecast(slope).bits);
  EXPECT_GT(sizes.size(), 30U);
  EXPECT_LT(*sizes.begin(), 0.2 * *sizes.rbegin());
}

}  // namespace
}  // namespace reprise
