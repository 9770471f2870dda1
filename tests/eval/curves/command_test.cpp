// `reprise curves` itself: traces on disk to JSON and words.
#include "launch/command.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/comm/communicator.h"
#include "base/file.h"
#include "eval/trace/writer.h"
#include "tests/eval/curves/trace_pair.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CurvesCommand : public testing::Test {
 protected:
  CurvesCommand() {
    const auto [valid, test] = make_trace_pair();
    write(valid, "valid.h5");
    write(test, "test.h5");
  }

  void write(const Trace& trace, const char* name) {
    write_trace(folder_ / name, trace.passes, trace.tokens, trace.documents, trace.attributes);
  }

  std::string run(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"--curves.valid",    folder_ / "valid.h5",   "--curves.test",
                                   folder_ / "test.h5", "--curves.draws",       "200",
                                   "--curves.out",      folder_ / "curves.json"};
    words.insert(words.end(), more.begin(), more.end());
    const auto comm = make_self_communicator();
    testing::internal::CaptureStdout();
    try {
      run_curves(words, *comm);
    } catch (...) {
      testing::internal::GetCapturedStdout();
      throw;
    }
    return testing::internal::GetCapturedStdout();
  }

  json record() const { return json::parse(read_file(folder_ / "curves.json")); }

  TemporaryFolder folder_;
};

TEST_F(CurvesCommand, WritesEveryGateAtEveryBudget) {
  const std::string words = run();
  const json curves = record();
  ASSERT_EQ(curves["gates"].size(), 13u);  // every signal but that of a head
  for (const auto& gate : curves["gates"]) {
    ASSERT_EQ(gate["points"].size(), 8u);
    EXPECT_THAT(words, HasSubstr("\n" + gate["gate"].get<std::string>() + ": "));
    EXPECT_NEAR(gate["points"][7]["bpb"].get<double>(), curves["all"]["bpb"].get<double>(), 1e-12);
    EXPECT_EQ(gate["points"][7]["thresholds"][0], "all");
    for (const auto& point : gate["points"]) {
      EXPECT_EQ(point["controls_minus_none"].size(), 9u);
      EXPECT_NEAR(point["share"].get<double>() * curves["tokens"].get<double>(),
                  point["refined"].get<double>(), 1e-6);
    }
  }
  EXPECT_EQ(curves["gates"][0]["points"][0]["controls_minus_none"]["oracle-gain"]["attainable"],
            false);
  EXPECT_EQ(curves["traces"]["valid"]["split"], "valid");
  EXPECT_TRUE(curves.contains("configuration_digest"));
}

TEST_F(CurvesCommand, SaysTheSameAgain) {
  const std::string words = run();
  const json first = record();
  EXPECT_EQ(run(), words);
  EXPECT_EQ(record(), first);
}

TEST_F(CurvesCommand, DrawsTheGatesAndBudgetsAskedFor) {
  run({"--curves.gates", "entropy & position, margin", "--curves.budgets", "0.5,0.1"});
  const json curves = record();
  ASSERT_EQ(curves["gates"].size(), 2u);
  EXPECT_EQ(curves["gates"][0]["gate"], "entropy & position");
  EXPECT_EQ(curves["gates"][0]["points"][0]["budget"], 0.1);
  EXPECT_EQ(curves["gates"][0]["points"][1]["thresholds"].size(), 2u);
}

TEST_F(CurvesCommand, LeavesNothingWhereItRefuses) {
  EXPECT_THROW(run({"--curves.valid", folder_ / "test.h5"}), Error);
  EXPECT_THROW(run({"--curves.gates", "head"}), Error);
  EXPECT_THROW(run({"--curves.budgets", "2"}), Error);
  EXPECT_THROW(run({"--policy.kind", "pick-most"}), Error);
  EXPECT_THROW(run({"--policy.burst", "-1"}), Error);
  EXPECT_THROW(run({"--curves.out", folder_ / "test.h5"}), Error);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "curves.json"));
}

}  // namespace
}  // namespace reprise
