// The cost model's operations against those that libtorch dispatches. Models run on the pretend
// device, where every product passes the dispatcher: attention too, over whole matrices of scores,
// so that every position attends to all keys.
#include "models/cost/flops.h"

#include <gtest/gtest.h>

#include "tests/models/cost/wider.h"
#include "tests/support/flop_counter.h"
#include "tests/support/pretend_device.h"

namespace reprise {
namespace {

/// So many positions that what fills the experts' groups up is below a percent.
constexpr int64_t kSequences = 16, kLength = 128, kRowsOfEach = 32;

PassWork work_of(int64_t positions) {
  const auto count = static_cast<double>(positions);
  return {.positions = count, .keys = count * kLength, .readouts = count};
}

/// As many of each sequence, so that no sequence's rows are padded to another's.
at::Tensor some_rows() {
  std::vector<int64_t> rows;
  for (int64_t b = 0; b < kSequences; ++b)
    for (int64_t i = 0; i < kRowsOfEach; ++i) rows.push_back(b * kLength + 3 * i + 1);
  return at::tensor(rows, at::kLong);
}

class CountedFlops : public testing::TestWithParam<test::Variant> {
 protected:
  CountedFlops()
      : options(test::wider(GetParam().options, {32, 96, kLength})),
        flops(options),
        parameters(options, 1, test::pretend_device()),
        tokens(test::some_tokens(options, kSequences, kLength)),
        targets(test::some_tokens(options, kSequences, kLength, 5)),
        counter(test::pretend_device()) {}

  /// Within a percent of what was counted since the last call; recorded, so that
  /// --gtest_output=xml shows it.
  void expect_counted(double predicted, const char* what) {
    const double counted = counter.flops() - before;
    before += counted;
    EXPECT_NEAR(predicted, counted, 0.01 * counted) << what;
    RecordProperty(what, concat(predicted / counted));
  }

  void expect_refinement(KeyRule rule) {
    StepFlops step = flops.training(work_of(kSequences * kLength), {});
    step += flops.binding({});
    PassWork refined = work_of(kSequences * kRowsOfEach);
    refined.keys = seen_keys(rule, refined.keys, refined.positions * kRowsOfEach);
    // Where keys are made of halted states, they are made of all.
    step += flops.training_of_refinement(refined, {rule, kSequences * kLength});
    const Network network(options, parameters, at::kFloat);
    const BasePasses base = network.base_passes(tokens, {.keys = true});
    const at::Tensor rows_M = some_rows();
    const at::Tensor coarse_BT = network.cross_entropy(base.features_BTD, targets);
    const at::Tensor refined_M = network.cross_entropy(network.refine_rows(base, rows_M, rule),
                                                       targets.flatten().index_select(0, rows_M));
    expect_counted(step.forward, concat(enum_name(rule), " forward").c_str());
    (coarse_BT.sum() + refined_M.sum()).backward();
    expect_counted(step.backward + step.again, concat(enum_name(rule), " backward").c_str());
  }

  void TearDown() override {
    for (const std::string& name : counter.names())  // what would hide products
      EXPECT_FALSE(name.find("flash") != name.npos || name.find("efficient") != name.npos ||
                   name.find("sparse") != name.npos)
          << name;
  }

  /// The base passes, their loss and backward.
  void expect_training(const PassRun& run) {
    StepFlops step = flops.training(work_of(kSequences * kLength), run);
    step += flops.binding(run);
    const Network network(options, parameters, at::kFloat);
    const BasePasses base = network.base_passes(tokens, {}, run);
    const at::Tensor loss = network.cross_entropy(base.features_BTD, targets).sum();
    expect_counted(step.forward, "forward");
    loss.backward();
    expect_counted(step.backward + step.again, "backward");
  }

  ModelOptions options;
  PassFlops flops;
  Parameters parameters;
  at::Tensor tokens, targets;
  test::FlopCounter counter;
  double before = 0;
};

TEST_P(CountedFlops, OfTheBasePasses) { expect_training({}); }

TEST_P(CountedFlops, OfMorePassesBackThroughTheLastOnly) {
  if (!test::truncates(options)) return;
  expect_training({.passes = 4, .graph_passes = 1});
}

/// Every token's coarse loss and the refined one of some, as gated refinement trains them.
TEST_P(CountedFlops, OfARefinementPassBehindThem) {
  for (const auto& [rule, name] : EnumNames<KeyRule>::names) expect_refinement(rule);
}

INSTANTIATE_TEST_SUITE_P(Models, CountedFlops, testing::ValuesIn(test::variants()),
                         test::variant_name);

}  // namespace
}  // namespace reprise
