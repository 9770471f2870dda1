// main() of the test programs that run under mpirun.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>

#include "base/comm/mpi.h"
#include "tests/support/agreement.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {

/// How long a rank at the end of a test waits for the others; the harness's own tests shorten it.
WatchdogOptions patience() {
  const char* seconds = std::getenv("REPRISE_TEST_PATIENCE_S");
  return {.timeout = std::chrono::seconds(seconds ? std::atoi(seconds) : 60)};
}

Communicator* world = nullptr;  // GoogleTest hands tests no arguments

int run_tests() {
  MpiSession session;
  world = &session.world();
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (world->rank() != 0) delete listeners.Release(listeners.default_result_printer());
  auto agreement = std::make_unique<Agreement>(world->duplicate(), patience());
  listeners.Append(agreement.get());
  const int result = RUN_ALL_TESTS();
  listeners.Release(agreement.get());  // ours to destroy, before the session ends
  return any_rank(*world, result != 0) ? 1 : 0;
}

}  // namespace

Communicator& test_comm() { return *world; }

}  // namespace reprise

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    return reprise::run_tests();
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << std::endl;
    reprise::abort_job(1);
  }
}
