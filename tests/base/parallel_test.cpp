// Whatever the number of threads: the same calls, the same results, the same failure.
#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "base/error.h"

namespace reprise {
namespace {

class Parallel : public testing::TestWithParam<size_t> {};

TEST_P(Parallel, CallsEveryIndexOnce) {
  std::vector<int> calls(100);
  parallel_for(
      calls.size(), [&](size_t i) { ++calls[i]; }, GetParam());
  EXPECT_EQ(calls, std::vector<int>(100, 1));
  parallel_for(
      0, [](size_t) { FAIL(); }, GetParam());
}

TEST_P(Parallel, MapsIndicesToResultsInTheirOrder) {
  const auto results = parallel_map(
      50, [](size_t i) { return std::to_string(i * i); }, GetParam());
  ASSERT_EQ(results.size(), 50u);
  for (size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i], std::to_string(i * i));
}

TEST_P(Parallel, ThrowsTheFailureOfTheLowestIndexAndThenStops) {
  constexpr size_t kCount = 100'000;
  std::atomic<size_t> calls = 0;
  const auto work = [&](size_t i) {
    ++calls;
    if (i % 10 == 7) fail(ExitCode::kBadInput, "index ", i);
    return i;
  };
  try {
    parallel_map(kCount, work, GetParam());
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "index 7");
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
  }
  EXPECT_GE(calls, 8u);
  if (GetParam() == 1) {
    EXPECT_EQ(calls, 8u);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, Parallel, testing::Values(0, 1, 3, 64));

}  // namespace
}  // namespace reprise
