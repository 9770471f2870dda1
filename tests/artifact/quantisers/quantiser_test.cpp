#include "models/artifact/quantisers/quantiser.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "models/artifact/quantisers/distortion.h"
#include "models/artifact/quantisers/half.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

constexpr double kFine = 1e-12;  ///< a slope at which bits are as good as free

std::unique_ptr<Quantiser> quantiser_of(const HostTensor& tensor, const QuantiserOptions& options) {
  return make_quantiser({tensor, relative_importance(tensor)}, options);
}

QuantiserOptions only_bits(int64_t bits) { return {.min_bits = bits, .max_bits = bits}; }

std::vector<float> round_trip(const HostTensor& tensor, const QuantiserOptions& options,
                              double slope) {
  const auto quantiser = quantiser_of(tensor, options);
  const QuantisedTensor quantised = quantiser->quantise(slope);
  const TensorShape shape{tensor.name, quantised.form, tensor.shape};
  std::vector<std::string_view> streams;
  for (size_t i = 0; i < quantised.streams.size(); ++i) {
    streams.emplace_back(quantised.streams[i]);
    EXPECT_EQ(static_cast<int64_t>(streams[i].size()), shape.streams()[i].bytes);
  }
  return dequantise(shape, streams);
}

Distortion distortion_of(const HostTensor& tensor, const QuantiserOptions& options, double slope) {
  return measure_distortion(tensor.values, round_trip(tensor, options, slope));
}

HostTensor normal_matrix(int64_t outlier_every) {
  return {"matrix", {32, 128}, random_values(32 * 128, 0.05, 7, outlier_every)};
}

// tests/golden/make_quantiser_golden.py tried every choice of every row.
TEST(RowQuantiser, TakesTheChoicesThatCostLeast) {
  const auto golden = nlohmann::json::parse(read_file(GOLDEN_DIR "/quantiser.json"));
  const auto rows = golden.at("weights").get<std::vector<std::vector<float>>>();
  HostTensor tensor{"golden", {std::ssize(rows), std::ssize(rows[0])}, {}};
  for (const auto& row : rows) tensor.values.insert(tensor.values.end(), row.begin(), row.end());
  const auto quantiser = quantiser_of(
      tensor,
      {.min_bits = golden.at("min_bits"), .max_bits = golden.at("max_bits"), .half_elements = 0});
  for (const auto& expected : golden.at("slopes")) {
    const QuantisedTensor found = quantiser->quantise(expected.at("slope"));
    std::string scales, codes;
    for (const uint16_t scale : expected.at("scales").get<std::vector<uint16_t>>()) {
      scales += static_cast<char>(scale & 0xFF);
      scales += static_cast<char>(scale >> 8);
    }
    for (const auto& row : expected.at("codes"))
      for (const int code : row) codes += static_cast<char>(code);
    EXPECT_EQ(found.streams.at(0), scales) << "slope " << expected.at("slope");
    EXPECT_EQ(found.streams.at(1), codes) << "slope " << expected.at("slope");
    const Forecast forecast = quantiser->forecast(expected.at("slope"));
    EXPECT_NEAR(forecast.distortion / expected.at("distortion").get<double>(), 1, 1e-5);
    // What the codes take, and about three bits for the scale of each row.
    EXPECT_NEAR(forecast.bits - 3.0 * static_cast<double>(rows.size()), expected.at("bits"), 0.01);
  }
}

TEST(RowQuantiser, EveryCodeOfEveryWidthComesBack) {
  for (int64_t bits = 2; bits <= 8; ++bits) {
    const int largest = (1 << (bits - 1)) - 1;
    HostTensor tensor{"codes", {8, 2 * largest + 1}, {}};
    for (int row = 0; row < 8; ++row)
      for (int code = -largest; code <= largest; ++code)
        tensor.values.push_back(0.25F * static_cast<float>(code));  // 0.25 is a rung of the ladder
    const std::vector<float> back =
        round_trip(tensor, {.min_bits = bits, .max_bits = bits, .half_elements = 0}, kFine);
    EXPECT_EQ(back, tensor.values) << bits << " bits";
  }
}

TEST(MakeQuantiser, RefusesWeightsThatBinary16DoesNotHoldByTheTensorsName) {
  const auto complaint = [](float weight) -> std::string {
    HostTensor tensor{"layer.3.mlp.up", {32, 128}, random_values(32 * 128, 0.05, 7)};
    tensor.values[1234] = weight;
    try {
      quantiser_of(tensor, {.half_elements = 0});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kBadInput);
      return error.what();
    }
    return "";
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float weight : {65536.0F, -3e38F, kInfinity, -kInfinity, std::nanf("")})
    EXPECT_THAT(complaint(weight), testing::HasSubstr("tensor layer.3.mlp.up holds ")) << weight;
  for (const float weight : {65504.0F, -65504.0F}) EXPECT_EQ(complaint(weight), "") << weight;
}

TEST(RowQuantiser, WiderCodesLoseLess) {
  const HostTensor tensor = normal_matrix(100);
  Distortion before = distortion_of(tensor, only_bits(4), kFine);
  EXPECT_LT(before.relative_rms, 0.3);
  for (int64_t bits = 5; bits <= 8; ++bits) {
    const Distortion now = distortion_of(tensor, only_bits(bits), kFine);
    EXPECT_LT(now.relative_rms, 0.7 * before.relative_rms) << bits;
    EXPECT_LT(now.relative_mean, before.relative_mean) << bits;
    before = now;
  }
  EXPECT_LT(before.relative_rms, 0.03);
  EXPECT_EQ(before.wrong_sign_share, 0);
}

struct Unclipped {
  std::vector<float> values;
  std::vector<int> codes;
};

/// The usual baseline: the scale of a row is its largest weight over the largest code.
Unclipped quantise_unclipped(const HostTensor& tensor, int64_t bits) {
  Unclipped result;
  const auto columns = static_cast<size_t>(tensor.shape[1]);
  const auto largest_code = static_cast<float>((1 << (bits - 1)) - 1);
  for (size_t first = 0; first < tensor.values.size(); first += columns) {
    float largest = 0;
    for (size_t i = first; i < first + columns; ++i)
      largest = std::max(largest, std::abs(tensor.values[i]));
    const float scale = from_half(to_half(largest / largest_code));
    for (size_t i = first; i < first + columns; ++i) {
      result.codes.push_back(static_cast<int>(std::nearbyint(tensor.values[i] / scale)));
      result.values.push_back(scale * static_cast<float>(result.codes.back()));
    }
  }
  return result;
}

double entropy_bits(const std::vector<int>& codes) {
  std::map<int, double> counts;
  for (const int code : codes) ++counts[code];
  double bits = 0;
  for (const auto& [code, count] : counts)
    bits += count * std::log2(static_cast<double>(codes.size()) / count);
  return bits;
}

TEST(RowQuantiser, TheClipSearchBeatsNoClipAtTheSameWidth) {
  const HostTensor tensor = normal_matrix(100);
  const double plain =
      measure_distortion(tensor.values, quantise_unclipped(tensor, 4).values).relative_rms;
  EXPECT_LT(distortion_of(tensor, only_bits(4), kFine).relative_rms, 0.97 * plain);
}

/// What counts is the coded length, so the bits and clips chosen together must lose less at the
/// entropy of the baseline's codes, even where its scales come free and ours do not.
TEST(RowQuantiser, TheSearchBeatsNoClipAtTheSameEntropy) {
  const HostTensor tensor = normal_matrix(100);
  const auto quantiser = quantiser_of(tensor, {});
  for (const int64_t bits : {4, 5, 6, 7}) {
    const Unclipped plain = quantise_unclipped(tensor, bits);
    double slope = kFine;
    while (quantiser->forecast(slope).bits > entropy_bits(plain.codes)) slope *= 1.01;
    EXPECT_LT(distortion_of(tensor, {}, slope).relative_rms,
              0.97 * measure_distortion(tensor.values, plain.values).relative_rms)
        << bits;
  }
}

TEST(RowQuantiser, ASteeperSlopeBuysFewerBitsAndMoreDistortion) {
  const HostTensor tensor = normal_matrix(100);
  const auto quantiser = quantiser_of(tensor, {});
  Forecast before = quantiser->forecast(kFine);
  for (double slope = 1e-4; slope < 0.05; slope *= 10) {
    const Forecast now = quantiser->forecast(slope);
    EXPECT_LT(now.bits, before.bits);
    EXPECT_GT(now.distortion, before.distortion);
    before = now;
  }
}

/// The forecast's distortion is the sum of squared errors over the mean square.
TEST(RowQuantiser, ForecastsTheDistortionItGives) {
  const HostTensor tensor = normal_matrix(100);
  const double rms = distortion_of(tensor, {}, 1e-3).relative_rms;
  const double forecast = quantiser_of(tensor, {})->forecast(1e-3).distortion;
  EXPECT_NEAR(forecast / static_cast<double>(tensor.values.size()), rms * rms, 1e-5 * rms * rms);
}

TEST(RowQuantiser, KeepsZerosAndVerySmallWeights) {
  const HostTensor zeros{"zeros", {64, 32}, std::vector<float>(64 * 32)};
  EXPECT_EQ(round_trip(zeros, {}, 1e-3), zeros.values);
  HostTensor tiny{"tiny", {64, 32}, random_values(64 * 32, 1e-5, 1)};
  EXPECT_LT(distortion_of(tiny, {}, kFine).relative_rms, 0.05);
  HostTensor vanishing{"vanishing", {64, 32}, random_values(64 * 32, 1e-12, 1)};
  EXPECT_EQ(round_trip(vanishing, {}, kFine), zeros.values);
}

TEST(HalfQuantiser, KeepsVectorsAndSmallTensorsToHalfPrecision) {
  const HostTensor vector{"gain", {5000}, random_values(5000, 1, 2)};
  EXPECT_EQ(quantiser_of(vector, {})->quantise(1).form.scheme, Scheme::kHalf);
  EXPECT_LT(distortion_of(vector, {}, kFine).relative_rms, 0x1p-11);
  const HostTensor small{"mix", {2, 512}, random_values(1024, 1, 2)};
  EXPECT_EQ(quantiser_of(small, {})->quantise(1).form.scheme, Scheme::kHalf);
  EXPECT_EQ(quantiser_of(small, {.half_elements = 1023})->quantise(1).form.scheme, Scheme::kRows);
}

TEST(Distortion, FourMeasuresByHand) {
  const std::vector<float> original{3, -4, 0, 2}, quantised{3, -2, 1, -1};
  const Distortion distortion = measure_distortion(original, quantised);
  EXPECT_DOUBLE_EQ(distortion.relative_rms, std::sqrt(14.0 / 29.0));
  EXPECT_DOUBLE_EQ(distortion.relative_mean, 6.0 / 9.0);
  EXPECT_EQ(distortion.largest, 3);
  EXPECT_DOUBLE_EQ(distortion.wrong_sign_share, 1.0 / 3.0);
}

}  // namespace
}  // namespace reprise
