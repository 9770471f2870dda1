#include "train/schedule.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(Schedule, HoldsTheRateThenBringsItDownLinearly) {
  const ScheduleOptions options{.warm_down = 0.4};
  EXPECT_DOUBLE_EQ(rate_factor(options, {0, 10}), 1);
  EXPECT_DOUBLE_EQ(rate_factor(options, {6, 10}), 1);
  EXPECT_DOUBLE_EQ(rate_factor(options, {7, 10}), 0.75);
  EXPECT_DOUBLE_EQ(rate_factor(options, {9, 10}), 0.25);
}

TEST(Schedule, WithoutWarmDownNeverFalls) { EXPECT_EQ(rate_factor({.warm_down = 0}, {9, 10}), 1); }

TEST(Schedule, WarmsMuonsMomentum) {
  const ScheduleOptions options{.momentum_first = 0.85, .momentum = 0.95, .momentum_steps = 500};
  EXPECT_DOUBLE_EQ(muon_momentum(options, {0, 1000}), 0.85);
  EXPECT_DOUBLE_EQ(muon_momentum(options, {250, 1000}), 0.90);
  EXPECT_DOUBLE_EQ(muon_momentum(options, {500, 1000}), 0.95);
  EXPECT_DOUBLE_EQ(muon_momentum(options, {999, 1000}), 0.95);
}

TEST(Schedule, FreezesPassMixing) {
  EXPECT_TRUE(mixing_learns({.freeze_mixing = 0.5}, {49, 100}));
  EXPECT_FALSE(mixing_learns({.freeze_mixing = 0.5}, {50, 100}));
  EXPECT_TRUE(mixing_learns({}, {99, 100}));
}

TEST(Schedule, RefusesValuesOutOfRange) {
  EXPECT_THROW(validate(ScheduleOptions{.freeze_mixing = 1.5}), Error);
  EXPECT_THROW(validate(ScheduleOptions{.freeze_mixing = 0}), Error);
  EXPECT_THROW(validate(ScheduleOptions{.warm_down = 1.5}), Error);
  EXPECT_THROW(validate(ScheduleOptions{.momentum = 1}), Error);
  EXPECT_THROW(validate(ScheduleOptions{.momentum_steps = -1}), Error);
  EXPECT_NO_THROW(validate(ScheduleOptions{}));
}

}  // namespace
}  // namespace reprise
