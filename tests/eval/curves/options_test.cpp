// Budgets and gates on the command line.
#include "eval/curves/options.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(CurvesOptions, SortBudgets) {
  EXPECT_EQ(parse_budgets({"1", "0.05", "0"}), (std::vector<double>{0, 0.05, 1}));
}

TEST(CurvesOptions, RefuseWhatIsNoShareOrGate) {
  EXPECT_THROW(parse_budgets({"1.01"}), Error);
  EXPECT_THROW(parse_budgets({"-0.1"}), Error);
  EXPECT_THROW(parse_budgets({"nan"}), Error);
  EXPECT_THROW(parse_budgets({"0.1x"}), Error);
  EXPECT_THROW(parse_budgets({"0.1", "0.10"}), Error);
  EXPECT_THROW(parse_budgets({}), Error);
  EXPECT_THROW(parse_gates({"entropy", "entrapy"}), Error);
  EXPECT_THROW(parse_gates({"entropy&margin", "entropy & margin"}), Error);
  EXPECT_EQ(parse_gates({"entropy", "entropy & margin"}).size(), 2u);
}

TEST(CurvesOptions, NeedTracesAndDraws) {
  CurvesOptions options;
  EXPECT_THROW(validate(options), Error);
  options.valid = options.test = "trace.h5";
  validate(options);
  options.draws = 10;
  EXPECT_THROW(validate(options), Error);
}

}  // namespace
}  // namespace reprise
