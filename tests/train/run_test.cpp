// Whole runs, as processes under mpirun that are really killed, stopped and started again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "base/format.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class RunTest : public testing::TestWithParam<int> {
 protected:
  struct Result {
    int exit_code = 0;
    std::string output;
  };

  /// One start of the run in folder `out`; 12 steps, a checkpoint every 4.
  Result start(const std::string& out, const std::string& what = "nothing 0",
               const std::string& more = "") const {
    const fs::path log = folder_ / "log";
    const std::string command =
        concat(MPIEXEC, " --oversubscribe --bind-to none -n ", GetParam(), " ", RUN_DRIVER, " ",
               what, " --train.out ", (folder_ / out).string(), " --train.checkpoint-every 4 ",
               more, " > ", log.string(), " 2>&1");
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(log)};
  }
  std::string model(const std::string& out) const {
    return read_file(folder_ / out / "model.safetensors");
  }
  fs::path checkpoint(const std::string& out, const std::string& step) const {
    return folder_ / out / "checkpoint" / ("step_" + step);
  }

  /// step, loss and gradient norm of every line.
  std::vector<std::vector<double>> losses(const std::string& out) const {
    std::vector<std::vector<double>> rows;
    std::istringstream lines(read_file(folder_ / out / "metrics.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const json entry = json::parse(line);
      rows.push_back({entry["step"], entry["loss"], entry["gradient_norm"]});
    }
    return rows;
  }

  /// The run in `out` went on to the very bits of one that nobody touched, in "untouched".
  void expect_same_as_untouched(const std::string& out) const {
    EXPECT_EQ(model(out), model("untouched"));
    EXPECT_EQ(losses(out), losses("untouched"));
    EXPECT_EQ(losses(out).size(), 12u);
    EXPECT_FALSE(fs::exists(folder_ / out / "checkpoint"));
  }

  TemporaryFolder folder_;
};

TEST_P(RunTest, KilledOrStoppedAndResumedItGivesTheSameBits) {
  ASSERT_EQ(start("untouched").exit_code, 0);
  EXPECT_NE(start("out", "kill 9").exit_code, 0);
  ASSERT_TRUE(fs::exists(checkpoint("out", "000008") / "manifest.json"));
  EXPECT_EQ(start("out", "kill 6").exit_code, 0) << "step 6 lies behind the checkpoint";
  expect_same_as_untouched("out");

  // A signal to one rank: all write a checkpoint and end with the resumable code.
  for (const std::string what : {"terminate", "user"}) {
    SCOPED_TRACE(what);
    const Result stopped = start(what, what + " 5");
    EXPECT_EQ(stopped.exit_code, 75) << stopped.output;
    EXPECT_TRUE(fs::exists(checkpoint(what, "000006") / "manifest.json"));
    EXPECT_EQ(start(what).exit_code, 0);
    expect_same_as_untouched(what);
  }
}

TEST_P(RunTest, ACheckpointOfAnotherConfigurationIsRefusedByItsFirstKey) {
  EXPECT_NE(start("out", "kill 9").exit_code, 0);
  const Result other = start("out", "nothing 0", "--train.matrix-rate 0.125");
  EXPECT_EQ(other.exit_code, 3);
  EXPECT_THAT(
      other.output,
      HasSubstr("step_000008 is of another configuration: train.matrix-rate is 0.04 there and "
                "0.125 here"));
}

TEST_P(RunTest, AFinishedRunIsNotRunAgainAndNotOverwritten) {
  ASSERT_EQ(start("out").exit_code, 0);
  const auto written = fs::last_write_time(folder_ / "out" / "model.safetensors");
  EXPECT_EQ(start("out").exit_code, 0);
  EXPECT_EQ(start("out", "nothing 0", "--train.seed 2").exit_code, 3);
  EXPECT_EQ(fs::last_write_time(folder_ / "out" / "model.safetensors"), written);
}

TEST_P(RunTest, ALossThatIsNotFiniteStopsNamingStepAndCheckpoint) {
  const Result result = start("out", "nothing 0", "--train.scalar-rate 1e30 --train.steps 40");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output,
              testing::ContainsRegex(
                  "not finite in step [0-9]+; (the last good checkpoint is|there is no)"));
  EXPECT_FALSE(fs::exists(folder_ / "out" / "train.json"));
}

INSTANTIATE_TEST_SUITE_P(OnRanks, RunTest, testing::Values(1, 2));

}  // namespace
}  // namespace reprise
