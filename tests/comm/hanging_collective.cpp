// Deliberately hangs: the last rank never joins the reduction. The watchdog is to end the job, not
// the test's timeout.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/comm/watchdog.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {

TEST(Watchdog, EndsAJobWhoseCollectiveHangs) {
  Communicator& comm = test_comm();
  if (comm.rank() == comm.size() - 1) std::this_thread::sleep_for(std::chrono::hours(1));
  Watchdog watchdog({.timeout = std::chrono::milliseconds(500), .grace = std::chrono::seconds(5)},
                    comm.rank());
  const auto watch = watchdog.watch("an all_reduce");
  sum_over_ranks(comm, 1.0);
}

}  // namespace
}  // namespace reprise
