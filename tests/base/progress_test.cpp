// Progress in a log: what takes long is heard of, what does not is not.
#include "base/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/log.h"

namespace reprise {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

struct Heard {
  std::string log;
  milliseconds took{};
};

/// The log of ten units of work that take `unit` each, or longer on a busy machine.
Heard hear_work(milliseconds unit, milliseconds log_pause, int rank = 0) {
  testing::internal::CaptureStderr();
  log::start(log::Level::kInfo, 0, 1);
  const auto start = std::chrono::steady_clock::now();
  {
    Progress progress("steps", 10, rank, 0, log_pause);
    for (int done = 1; done <= 10; ++done) {
      std::this_thread::sleep_for(unit);
      progress.update(done, "a note");
    }
  }
  const auto took =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
  return {testing::internal::GetCapturedStderr(), took};
}

TEST(Progress, SaysHowFarLongWorkIsAndThatItHasEnded) {
  const auto [log, took] = hear_work(milliseconds(10), milliseconds(25));
  EXPECT_GE(std::ranges::count(log, '\n'), 2) << log;
  EXPECT_LE(std::ranges::count(log, '\n'), took / milliseconds(25) + 1)
      << "lines before they were due, but for that of the end\n"
      << log;
  EXPECT_THAT(log, HasSubstr(" 10/10 steps (100 %), 0:00:00 left, a note\n"));
}

TEST(Progress, IsSilentWhereTheWorkIsOverBeforeALineIsDue) {
  EXPECT_EQ(hear_work(milliseconds(0), kLogPause).log, "");
}

TEST(Progress, IsRankZeros) { EXPECT_EQ(hear_work(milliseconds(5), milliseconds(1), 1).log, ""); }

}  // namespace
}  // namespace reprise
