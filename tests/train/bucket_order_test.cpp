#include "train/bucket_order.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace reprise {
namespace {

/// Parameters 0 and 1 in bucket 2, 2 in bucket 1, 3 and 4 in bucket 0: the last ones leave first.
BucketOrder three_buckets() { return BucketOrder({2, 2, 1, 0, 0}, 3); }

void expect_range(BucketRange range, size_t first, size_t last) {
  EXPECT_EQ(range.first, first);
  EXPECT_EQ(range.last, last);
}

TEST(BucketOrder, ABucketLeavesWithItsLastGradient) {
  BucketOrder order = three_buckets();
  expect_range(order.add(4), 0, 0);
  expect_range(order.add(3), 0, 1);
  expect_range(order.add(2), 1, 2);
  expect_range(order.add(0), 2, 2);
  expect_range(order.add(1), 2, 3);
  expect_range(order.finish(), 3, 3);
}

TEST(BucketOrder, ACompleteBucketWaitsForThoseBeforeIt) {
  BucketOrder order = three_buckets();
  expect_range(order.add(2), 0, 0);
  expect_range(order.add(1), 0, 0);
  expect_range(order.add(0), 0, 0);
  expect_range(order.add(3), 0, 0);
  expect_range(order.add(4), 0, 3);
}

TEST(BucketOrder, WhatWasNeverAddedLeavesAtTheEnd) {
  BucketOrder order = three_buckets();
  expect_range(order.add(3), 0, 0);
  expect_range(order.finish(), 0, 3);
}

TEST(BucketOrder, EveryStepBeginsAfresh) {
  BucketOrder order = three_buckets();
  order.add(3);
  order.finish();
  expect_range(order.add(3), 0, 0);
  expect_range(order.add(4), 0, 1);
  expect_range(order.finish(), 1, 3);
}

TEST(BucketOrder, AGradientIsAddedOnceAStep) {
  BucketOrder order = three_buckets();
  order.add(3);
  EXPECT_THROW(order.add(3), Error);
}

}  // namespace
}  // namespace reprise
