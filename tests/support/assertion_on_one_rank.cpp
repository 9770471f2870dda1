// Deliberately fails: on the last rank only, so that nobody notices unless the ranks agree.
#include <gtest/gtest.h>

#include "tests/support/test_comm.h"

namespace reprise {
namespace {

TEST(Harness, PassesOnEveryRank) { EXPECT_EQ(test_comm().size(), 2); }

TEST(Harness, FailsOnTheLastRankOnly) {
  EXPECT_NE(test_comm().rank(), test_comm().size() - 1) << "deliberate";
}

}  // namespace
}  // namespace reprise
