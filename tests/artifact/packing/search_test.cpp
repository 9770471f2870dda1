#include "models/artifact/packing/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace reprise {
namespace {

/// 100,000 bytes at the finest slope, falling by a thousand an octave to 52,000.
double smooth(double log2_slope) { return 100'000 - 1'000 * (log2_slope - kFinestLog2Slope); }

TEST(Search, HitsAtOnceWhenTheForecastIsRight) {
  const auto attempts =
      search_size(Band::below(80'000), {smooth, [](double at) { return std::lround(smooth(at)); }});
  ASSERT_EQ(attempts.size(), 1);
  EXPECT_TRUE(Band::below(80'000).contains(attempts[0].bytes));
}

TEST(Search, CorrectsAForecastThatIsOff) {
  const auto measure = [](double at) { return std::lround(1.04 * smooth(at)); };
  const auto attempts = search_size(Band::below(80'000), {smooth, measure});
  EXPECT_EQ(attempts.size(), 2);
  EXPECT_TRUE(Band::below(80'000).contains(attempts.back().bytes));
}

/// Sizes that come in steps as wide as the band, off by a part that changes from step to step.
TEST(Search, FindsTheBandAmongSteps) {
  const auto measure = [](double at) {
    const auto step = std::lround(smooth(at) / 70);
    return 70 * step + step % 3;
  };
  for (int64_t target = 60'000; target < 95'000; target += 777) {
    const auto attempts = search_size(Band::below(target), {smooth, measure});
    EXPECT_TRUE(Band::below(target).contains(attempts.back().bytes)) << target;
  }
}

/// Sizes that rise from 91,000 at the finest slope to 92,000 and then fall.
TEST(Search, FindsTheBandOnTheHumpOfTheFinestSlopes) {
  const auto measure = [](double at) {
    const double octaves = at - kFinestLog2Slope;
    return std::lround(91'000 + (octaves < 1 ? 1'000 * octaves : 3'000 - 2'000 * octaves));
  };
  for (int64_t target = 90'500; target < 92'000; target += 77) {
    const auto attempts = search_size(Band::below(target), {smooth, measure});
    EXPECT_TRUE(Band::below(target).contains(attempts.back().bytes)) << target;
  }
  int64_t largest = 0;
  for (const Attempt& attempt : search_size(Band::below(92'200), {smooth, measure}))
    largest = std::max(largest, attempt.bytes);
  EXPECT_GT(largest, 91'700) << "not the largest there is";
}

TEST(Search, EndsWithoutAnAttemptOnTheSideItCannotReach) {
  const auto measure = [](double at) { return std::lround(smooth(at)); };
  for (const Attempt& attempt : search_size(Band::below(200'000), {smooth, measure}))
    EXPECT_LE(attempt.bytes, 100'000);
  for (const Attempt& attempt : search_size(Band::below(20'000), {smooth, measure}))
    EXPECT_GE(attempt.bytes, 52'000);
}

TEST(Search, EndsWhereNoStepLiesInTheBand) {
  const auto measure = [](double at) { return at < 0 ? 90'000 : 60'000; };
  const auto attempts = search_size(Band::below(80'000), {smooth, measure});
  EXPECT_LT(attempts.size(), 60);
  for (const Attempt& attempt : attempts) EXPECT_FALSE(Band::below(80'000).contains(attempt.bytes));
}

}  // namespace
}  // namespace reprise
