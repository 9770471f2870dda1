#include "base/stop_request.h"

#include <gtest/gtest.h>

#include <csignal>

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
