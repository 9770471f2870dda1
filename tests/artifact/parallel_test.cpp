#include "models/artifact/parallel.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"

namespace reprise {
namespace {

TEST(ParallelFor, CallsEveryIndexOnce) {
  for (const size_t threads : {0, 1, 3, 64}) {
    std::vector<int> calls(100);
    parallel_for(
        calls.size(), [&](size_t i) { ++calls[i]; }, threads);
    EXPECT_EQ(calls, std::vector<int>(100, 1));
  }
  parallel_for(0, [](size_t) { FAIL(); });
}

TEST(ParallelFor, ThrowsTheFailureOfTheLowestIndex) {
  const auto work = [](size_t i) {
    if (i % 10 == 7) fail(ExitCode::kFailure, "index ", i);
  };
  for (const size_t threads : {1, 4}) try {
      parallel_for(50, work, threads);
      FAIL();
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "index 7");
    }
}

}  // namespace
}  // namespace reprise
