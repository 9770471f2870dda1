// Gates, slices and the gate's calibration, by hand.
#include "eval/gate.h"

#include <gmock/gmock.h>

#include <limits>

#include "base/error.h"
#include "eval/calibrate.h"
#include "eval/slices.h"

namespace reprise {
namespace {

using testing::ElementsAre;

std::vector<TokenPlace> places_of(uint64_t document, size_t count) {
  std::vector<TokenPlace> places;
  for (size_t i = 0; i < count; ++i) places.push_back({document, static_cast<uint32_t>(i + 1)});
  return places;
}

/// 1 where the margin is above 0.
std::vector<uint8_t> refined_by(const Gate& gate, const CoarseSignals& signals) {
  std::vector<uint8_t> refined;
  for (const float margin : gate.score(signals).margins) refined.push_back(margin > 0);
  return refined;
}

TEST(EntropyGate, RefinesAboveTheThresholdOnly) {
  const auto gate =
      make_gate({.signal = "entropy", .threshold = 1.5, .fraction = 0.5, .calibrated_on = ""});
  const std::vector<float> entropy = {0, 1.5f, 1.6f, 4}, margin(4);
  EXPECT_THAT(refined_by(*gate, {entropy, margin, places_of(1, 4), {}}), ElementsAre(0, 0, 1, 1));
}

TEST(ThresholdGate, JoinsItsTerms) {
  const SignalValues others{{Signal::kResidual, {0.5f, 0.5f, 0.1f, 0.1f}}};
  const std::vector<float> entropy = {1, 3, 3, 1}, margin = {0.9f, 0.1f, 0.9f, 0.1f};
  const auto decide = [&](const char* words, std::vector<float> thresholds) {
    return refined_by(*make_gate(parse_gate(words), std::move(thresholds)),
                      {entropy, margin, places_of(1, 4), others});
  };
  EXPECT_THAT(decide("entropy & residual", {2, 0.2f}), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(decide("entropy | residual", {2, 0.2f}), ElementsAre(1, 1, 1, 0));
  EXPECT_THAT(decide("margin", {-0.5f}), ElementsAre(0, 1, 0, 1));  // small margins
}

TEST(ThresholdGate, ANotANumberIsRefinedLastAndCounted) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const SignalValues others{{Signal::kResidual, {nan, 0.5f, nan, 0.1f}}};
  const std::vector<float> entropy = {1, 3, 3, 1}, margin(4);
  const CoarseSignals signals{entropy, margin, places_of(1, 4), others};
  const auto gate = make_gate(parse_gate("residual"), {-100});
  EXPECT_THAT(refined_by(*gate, signals), ElementsAre(0, 1, 0, 1));
  EXPECT_EQ(gate->score(signals).nan, 2);
  EXPECT_THAT(refined_by(*make_gate(parse_gate("residual"), {kRefineAll}), signals),
              ElementsAre(1, 1, 1, 1));
  EXPECT_EQ(make_gate(parse_gate("entropy"), {0})->score(signals).nan, 0);
}

TEST(ThresholdGate, WhatNoArtifactStoresIsRefused) {
  for (const char* words : {"token", "entropy & frequency"})
    EXPECT_THROW(make_gate(parse_gate(words), {0, 0}), Error) << words;
  EXPECT_THROW(make_gate(parse_gate("entropy"), {0, 0}), Error);
}

TEST(EntropyGate, UnknownSignalIsRefused) {
  GateRule rule;
  rule.signal = "moon";
  EXPECT_THROW(make_gate(rule), Error);
}

TEST(Calibration, ThresholdIsTheQuantile) {
  const GateRule rule = gate_quantile({5, 1, 4, 2, 3, 0, 9, 8, 7, 6}, 0.3);
  EXPECT_EQ(rule.signal, "entropy");
  EXPECT_EQ(rule.threshold, 6);
  EXPECT_DOUBLE_EQ(rule.fraction, 0.3);
}

TEST(Calibration, TiesGoToTheSideNearerToTheShare) {
  const std::vector<float> entropies{1, 2, 2, 2, 3};
  const GateRule fewer = gate_quantile(entropies, 0.4), more = gate_quantile(entropies, 0.6);
  EXPECT_EQ(fewer.threshold, 2);
  EXPECT_DOUBLE_EQ(fewer.fraction, 0.2);
  EXPECT_EQ(more.threshold, 1);
  EXPECT_DOUBLE_EQ(more.fraction, 0.8);
  EXPECT_DOUBLE_EQ(gate_quantile({2, 2, 2, 2}, 0.75).fraction, 1);
  EXPECT_DOUBLE_EQ(gate_quantile({2, 2, 2, 2}, 0.25).fraction, 0) << "which is then refused";
}

TEST(Calibration, WholeShareRefinesAll) {
  const GateRule rule = gate_quantile({0, 1, 2}, 1.0);
  EXPECT_DOUBLE_EQ(rule.fraction, 1.0);
  const std::vector<float> zero(1);
  EXPECT_THAT(refined_by(*make_gate(rule), {zero, zero, places_of(1, 1), {}}), ElementsAre(1));
}

TEST(Slicer, EarlyAndRare) {
  // 100 tokens in all: types 3 (0), 1 (2) and 0 (8) make up 10 of them, type 2 would bring it
  // to 30.
  const Slicer slicer({8, 2, 20, 0, 70}, 0.1, 4);
  const auto early = static_cast<uint32_t>(Slice::kEarly),
             rare = static_cast<uint32_t>(Slice::kRare);
  EXPECT_EQ(slicer.bits(4, 4), early);
  EXPECT_EQ(slicer.bits(4, 5), 0u);
  EXPECT_EQ(slicer.bits(3, 5), rare);
  EXPECT_EQ(slicer.bits(0, 1), rare | early);
  EXPECT_EQ(slicer.bits(2, 9), 0u);
}

}  // namespace
}  // namespace reprise
