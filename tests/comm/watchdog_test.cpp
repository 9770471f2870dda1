#include "base/comm/watchdog.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <semaphore>

#include "base/error.h"

namespace reprise {
namespace {

using std::chrono::milliseconds;
constexpr WatchdogOptions kPatient{.timeout = milliseconds(50), .grace = std::chrono::minutes(1)};
constexpr WatchdogOptions kHasty{.timeout = milliseconds(50), .grace = milliseconds(50)};

[[noreturn]] void sleep_forever() {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

void hang(WatchdogOptions options, std::function<void()> on_hang) {
  Watchdog watchdog(options, 3, std::move(on_hang));
  const auto watch = watchdog.watch("ncclAllReduce");
  sleep_forever();
}

TEST(Watchdog, LeavesCallsThatReturnAlone) {
  Watchdog watchdog({.timeout = std::chrono::hours(1), .grace = {}}, 0);
  for (int call = 0; call < 1000; ++call) const auto watch = watchdog.watch("quick");
}

TEST(Watchdog, DoesNotCountTheTimeBetweenCalls) {
  std::binary_semaphore hung{0};
  Watchdog watchdog(kHasty, 0, [&] { hung.release(); });
  { const auto watch = watchdog.watch("quick"); }
  EXPECT_FALSE(hung.try_acquire_for(4 * kHasty.timeout));
}

using WatchdogDeathTest = testing::Test;

TEST(WatchdogDeathTest, SaysWhichCallHangsRunsTheActionAndLeavesWithTheFailureCode) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(hang(kPatient, [] { std::fputs("aborted\n", stderr); }),
              testing::ExitedWithCode(static_cast<int>(ExitCode::kFailure)),
              "error: rank 3: ncclAllReduce has not returned within 0.05 s.*\naborted");
}

TEST(WatchdogDeathTest, LeavesEvenIfTheActionHangs) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(hang(kHasty, sleep_forever),
              testing::ExitedWithCode(static_cast<int>(ExitCode::kFailure)),
              "ncclAllReduce has not returned");
}

}  // namespace
}  // namespace reprise
