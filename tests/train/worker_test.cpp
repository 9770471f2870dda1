#include "train/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace reprise {
namespace {

TEST(Worker, RunsJobsInOrderOnAnotherThread) {
  Worker worker;
  std::vector<int> seen;
  std::thread::id thread;
  for (int i = 0; i < 100; ++i)
    worker.post([&, i] { seen.push_back(i), thread = std::this_thread::get_id(); });
  worker.wait();
  ASSERT_EQ(seen.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_NE(thread, std::this_thread::get_id());
}

TEST(Worker, WaitRethrowsTheFirstFailureAndLaterJobsAreDropped) {
  Worker worker;
  bool ran = false;
  worker.post([] { throw std::runtime_error("first"); });
  worker.post([&] { ran = true; });
  try {
    worker.wait();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "first");
  }
  EXPECT_FALSE(ran);
  worker.post([&] { ran = true; });  // usable again
  worker.wait();
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace reprise
