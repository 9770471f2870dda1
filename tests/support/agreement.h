// Makes the ranks of a test program agree on the outcome of every test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/comm/communicator.h"
#include "base/comm/watchdog.h"

namespace reprise {

/// Gathers, after each test, what failed on each rank; where anything did, rank 0 prints it and the
/// test fails on all.
class Agreement : public testing::EmptyTestEventListener {
 public:
  Agreement(std::unique_ptr<Communicator> comm, WatchdogOptions patience);

 private:
  void OnTestPartResult(const testing::TestPartResult& part) override;
  void OnTestEnd(const testing::TestInfo& test) override;

  std::unique_ptr<Communicator>
      comm_;  ///< its own channel, so that a failed test's messages cannot meet it
  Watchdog watchdog_;
  std::string failures_;  ///< of the running test on this rank
};

}  // namespace reprise
