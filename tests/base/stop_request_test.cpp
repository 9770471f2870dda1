#include "base/stop_request.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace reprise {
namespace {

TEST(StopRequest, ArrivesWithEitherSignal) {
  for (const int signal : {SIGTERM, SIGUSR1}) {
    const StopRequest stop;
    EXPECT_FALSE(stop.arrived());
    std::raise(signal);
    EXPECT_TRUE(stop.arrived());
  }
}

TEST(StopRequest, ASecondOneAtOnceIsTheSameAndALaterOneEndsTheProcess) {
  EXPECT_EXIT(
      {
        const StopRequest stop;
        std::raise(SIGTERM);
        std::raise(SIGTERM);
        std::raise(SIGUSR1);
        std::exit(stop.arrived() ? 7 : 8);
      },
      testing::ExitedWithCode(7), "");
  EXPECT_EXIT(
      {
        const StopRequest stop;
        std::raise(SIGUSR1);
        std::this_thread::sleep_for(std::chrono::milliseconds(2100));
        std::raise(SIGTERM);
        std::exit(7);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(StopRequest, GivesTheSignalsBack) {
  int caught = 0;
  static int* seen = nullptr;
  seen = &caught;
  std::signal(SIGUSR1, [](int) { ++*seen; });
  { const StopRequest stop; }
  std::raise(SIGUSR1);
  EXPECT_EQ(caught, 1);
  std::signal(SIGUSR1, SIG_DFL);
}

}  // namespace
}  // namespace reprise
