// Gates, slices and the gate's calibration, by hand.
#include "eval/gate.h"

#include <gmock/gmock.h>

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

TEST(EntropyGate, RefinesAboveTheThresholdOnly) {
  const auto gate =
      make_gate({.signal = "entropy", .threshold = 1.5, .fraction = 0.5, .calibrated_on = ""});
  const std::vector<float> entropy = {0, 1.5f, 1.6f, 4}, margin(4);
  EXPECT_THAT(gate->decide({entropy, margin, places_of(1, 4)}), ElementsAre(0, 0, 1, 1));
}

TEST(EntropyGate, UnknownSignalIsRefused) {
  GateRule rule;
  rule.signal = "moon";
  EXPECT_THROW(make_gate(rule), Error);
}

TEST(RandomGate, DrawsAtItsRateWhateverTheSignals) {
  const auto gate = make_random_gate(3, 0.1);
  const size_t count = 20'000;
  const auto places = places_of(42, count);
  const auto first =
      gate->decide({std::vector<float>(count, 0.f), std::vector<float>(count), places});
  const auto second =
      gate->decide({std::vector<float>(count, 9.f), std::vector<float>(count), places});
  EXPECT_EQ(first, second);
  const auto drawn = std::ranges::count(first, 1);
  EXPECT_NEAR(static_cast<double>(drawn), 2000,
              4 * 42.4);  // four standard deviations of the binomial
}

TEST(RandomGate, DependsOnSeedDocumentAndPosition) {
  const size_t count = 64;
  const std::vector<float> signal(count);
  const auto draw = [&](uint64_t seed, uint64_t document) {
    return make_random_gate(seed, 0.5)->decide({signal, signal, places_of(document, count)});
  };
  EXPECT_NE(draw(1, 1), draw(2, 1));
  EXPECT_NE(draw(1, 1), draw(1, 2));
  const auto whole = draw(1, 1);
  const auto places = places_of(1, count);
  const auto tail = make_random_gate(1, 0.5)->decide({std::span(signal).subspan(40),
                                                      std::span(signal).subspan(40),
                                                      std::span(places).subspan(40)});
  EXPECT_TRUE(std::equal(tail.begin(), tail.end(), whole.begin() + 40));
}

TEST(RandomGate, NoneAndAllAtTheEnds) {
  const std::vector<float> signal(100);
  const auto places = places_of(1, 100);
  EXPECT_THAT(make_random_gate(1, 0)->decide({signal, signal, places}), testing::Each(0));
  EXPECT_THAT(make_random_gate(1, 1)->decide({signal, signal, places}), testing::Each(1));
}

TEST(Calibration, ThresholdIsTheQuantile) {
  const GateRule rule = entropy_quantile({5, 1, 4, 2, 3, 0, 9, 8, 7, 6}, 0.3);
  EXPECT_EQ(rule.signal, "entropy");
  EXPECT_EQ(rule.threshold, 6);
  EXPECT_DOUBLE_EQ(rule.fraction, 0.3);
}

TEST(Calibration, TiesStayBelowTheShare) {
  const GateRule rule = entropy_quantile({1, 2, 2, 2, 3}, 0.4);
  EXPECT_EQ(rule.threshold, 2);
  EXPECT_DOUBLE_EQ(rule.fraction, 0.2);
}

TEST(Calibration, WholeShareRefinesAll) {
  const GateRule rule = entropy_quantile({0, 1, 2}, 1.0);
  EXPECT_DOUBLE_EQ(rule.fraction, 1.0);
  const std::vector<float> zero(1);
  EXPECT_THAT(make_gate(rule)->decide({zero, zero, places_of(1, 1)}), ElementsAre(1));
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
