// What holds of every scheme that a matrix may be stored as.
#include <gmock/gmock.h>

#include <cmath>

#include "models/artifact/directory.h"
#include "tests/artifact/quantisers/read_back.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

constexpr double kSlopes[] = {1e-12, 1e-3, 0.1, 10};

class Body : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Schemes, Body, testing::Values("rows", "ternary", "codebook", "additive"),
                         [](const auto& each) { return std::string(each.param); });

struct Awkward {
  const char* name;
  HostTensor tensor;
};

HostTensor filled(std::vector<int64_t> shape, const std::function<float(int64_t)>& value) {
  HostTensor tensor{"tensor", std::move(shape), {}};
  for (int64_t i = 0; i < tensor.shape[0] * tensor.shape[1]; ++i) tensor.values.push_back(value(i));
  return tensor;
}

std::vector<Awkward> awkward_tensors() {
  const std::vector<float> normal = random_values(1024, 1, 3);
  const auto at = [&](int64_t i) { return normal[static_cast<size_t>(i)]; };
  return {
      {"zeros", filled({16, 16}, [](int64_t) { return 0.0F; })},
      {"some rows of zeros", filled({16, 16}, [&](int64_t i) { return i < 128 ? 0 : at(i); })},
      {"constant rows", filled({16, 16}, [](int64_t i) { return 0.01F * float(i / 16 - 7); })},
      {"one column", filled({64, 1}, at)},
      {"one row", filled({1, 61}, at)},
      {"one weight", filled({1, 1}, [](int64_t) { return -0.3F; })},
      {"tiny", filled({16, 16}, [&](int64_t i) { return 1e-12F * at(i); })},
      {"small", filled({16, 16}, [&](int64_t i) { return 1e-6F * at(i); })},
      {"large", filled({3, 7}, [](int64_t i) { return i % 2 ? 65504.0F : -65504.0F; })},
      {"one outlier", filled({8, 40}, [&](int64_t i) { return i == 77 ? 3e4F : 1e-3F * at(i); })}};
}

TEST_P(Body, TakesAwkwardTensorsAndForecastsTheirDistortion) {
  for (const auto& [name, tensor] : awkward_tensors()) {
    const Subject subject{tensor, relative_importance(tensor)};
    const auto quantiser = make_quantiser(subject, only_scheme(GetParam()));
    for (const double slope : kSlopes) {
      const std::vector<float> values = read_back(tensor, quantiser->quantise(slope));
      for (const float value : values) EXPECT_TRUE(std::isfinite(value)) << name;
      const Forecast forecast = quantiser->forecast(slope);
      const double error = weighted_distortion(subject, values);
      EXPECT_NEAR(forecast.distortion, error, 1e-3 * error + 1e-4) << name << " at " << slope;
      EXPECT_TRUE(std::isfinite(forecast.bits) && forecast.bits >= 0) << name;
    }
  }
}

TEST_P(Body, KeepsZeros) {
  for (const auto& [name, tensor] : awkward_tensors()) {
    const std::vector<float> values = read_back(
        tensor, make_quantiser({tensor, relative_importance(tensor)}, only_scheme(GetParam()))
                    ->quantise(1e-12));
    for (size_t row = 0; row < static_cast<size_t>(tensor.shape[0]); ++row) {
      const auto columns = static_cast<size_t>(tensor.shape[1]);
      const auto of_row = std::span(tensor.values).subspan(row * columns, columns);
      if (!std::ranges::all_of(of_row, [](float weight) { return weight == 0; })) continue;
      for (size_t i = row * columns; i < (row + 1) * columns; ++i) EXPECT_EQ(values[i], 0) << name;
    }
  }
}

TEST_P(Body, WhatHasNoImportanceIsNoTrouble) {
  const HostTensor tensor =
      filled({16, 24}, [](int64_t i) { return 0.01F * float(i % 17) - 0.05F; });
  for (const bool some : {false, true}) {
    Importance importance{std::vector<float>(16), std::vector<float>(24, 1)};
    if (some) importance.rows[3] = importance.rows[4] = 2;
    if (some) importance.columns[5] = 0;
    const Subject subject{tensor, importance};
    const auto quantiser = make_quantiser(subject, only_scheme(GetParam()));
    const std::vector<float> values = read_back(tensor, quantiser->quantise(1e-6));
    EXPECT_NEAR(quantiser->forecast(1e-6).distortion, weighted_distortion(subject, values), 1e-5);
  }
}

/// An iteration's luck apart; the schemes' own tests say by how much it lowers it.
TEST_P(Body, ImportanceDoesNotRaiseTheErrorThatItWeighs) {
  const HostTensor tensor{"matrix", {48, 64}, random_values(48 * 64, 0.05, 11)};
  const Subject weighted{tensor, random_importance(48, 64, 2)};
  const auto aware = make_quantiser(weighted, only_scheme(GetParam()));
  const auto blind = make_quantiser({tensor, relative_importance(tensor)}, only_scheme(GetParam()));
  EXPECT_LE(weighted_distortion(weighted, read_back(tensor, aware->quantise(1e-12))),
            weighted_distortion(weighted, read_back(tensor, blind->quantise(1e-12))) * 1.05);
}

TEST_P(Body, ASteeperSlopeNeverTakesMoreBits) {
  const HostTensor tensor = filled({32, 40}, [](int64_t i) { return std::sin(float(i * i)); });
  const auto quantiser =
      make_quantiser({tensor, relative_importance(tensor)}, only_scheme(GetParam()));
  Forecast before = quantiser->forecast(1e-9);
  for (double slope = 1e-8; slope < 100; slope *= 2) {
    const Forecast now = quantiser->forecast(slope);
    EXPECT_LE(now.bits, before.bits * (1 + 1e-6)) << slope;
    EXPECT_GE(now.distortion, before.distortion * (1 - 1e-6)) << slope;
    before = now;
  }
}

TEST_P(Body, IsTheSameEveryTime) {
  const HostTensor tensor{"matrix", {32, 40}, random_values(32 * 40, 0.05, 5)};
  const Subject subject{tensor, random_importance(32, 40, 3)};
  const auto once = make_quantiser(subject, only_scheme(GetParam()));
  const auto again = make_quantiser(subject, only_scheme(GetParam()));
  for (const double slope : kSlopes)
    EXPECT_EQ(once->quantise(slope).streams, again->quantise(slope).streams);
}

TEST(CheckForm, RefusesWhatASchemeHasNoPlaceFor) {
  const auto line = [](const Form& form) {
    return bad_input_line([&] { check_form({"t", form, {8, 12}}); });
  };
  const Form codebook{.scheme = Scheme::kCodebook, .entries = 96};
  const Form additive{.scheme = Scheme::kAdditive, .entries = 12, .vector = 8};
  for (const Form& right : {Form{Scheme::kTernary}, codebook, additive}) EXPECT_EQ(line(right), "");
  EXPECT_THAT(line({.scheme = Scheme::kTernary, .entries = 3}), testing::HasSubstr("no place for"));
  EXPECT_THAT(line({.scheme = Scheme::kCodebook, .entries = 4, .vector = 2}),
              testing::HasSubstr("no place for"));
  EXPECT_THAT(line({.scheme = Scheme::kCodebook}), testing::HasSubstr("0 entries"));
  EXPECT_THAT(line({.scheme = Scheme::kCodebook, .entries = 257}),
              testing::HasSubstr("257 entries"));
  EXPECT_THAT(line({.scheme = Scheme::kCodebook, .entries = 97}),
              testing::HasSubstr("larger than itself"));
  EXPECT_THAT(line({.scheme = Scheme::kAdditive, .entries = 4}),
              testing::HasSubstr("for 0 weights"));
  EXPECT_THAT(line({.scheme = Scheme::kAdditive, .entries = 4, .vector = 9}),
              testing::HasSubstr("for 9 weights"));
  EXPECT_THAT(line({.scheme = Scheme::kAdditive, .entries = 13, .vector = 8}),
              testing::HasSubstr("larger than itself"));
}

}  // namespace
}  // namespace reprise
