// Deliberately fails: the last rank throws before a collective in which the others wait for it.
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/support/test_comm.h"

namespace reprise {
namespace {

TEST(Harness, ThrowsOnTheLastRankOnly) {
  if (test_comm().rank() == test_comm().size() - 1) throw std::runtime_error("deliberate");
  test_comm().barrier();
}

}  // namespace
}  // namespace reprise
