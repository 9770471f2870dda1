// Whole runs, as processes under mpirun that are really killed, stopped and started again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/format.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class RunTest : public testing::TestWithParam<int> {
 protected:
  RunTest() : ranks_(GetParam()) {}

  struct Result {
    int exit_code = 0;
    std::string output;
  };

  /// One start of the run in folder `out`; 12 steps, a checkpoint every 4.
  Result start(const std::string& out, const std::string& what = "nothing 0",
               const std::string& more = "") const {
    const fs::path log = folder_ / "log";
    const std::string command =
        concat(MPIEXEC, " --oversubscribe --bind-to none -n ", ranks_, " ", RUN_DRIVER, " ", what,
               " --train.out ", (folder_ / out).string(), " --train.checkpoint-every 4 ", more,
               " > ", log.string(), " 2>&1");
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

  static int lines_with(const std::string& text, const std::string& words) {
    std::istringstream lines(text);
    int count = 0;
    for (std::string line; std::getline(lines, line);)
      count += line.find(words) != std::string::npos;
    return count;
  }

  TemporaryFolder folder_;
  static int other_ranks() { return GetParam() == 1 ? 2 : 1; }

  int ranks_;  ///< of the next start
};

TEST_P(RunTest, KilledOrStoppedAndResumedItGivesTheSameBits) {
  ASSERT_EQ(start("untouched").exit_code, 0);
  EXPECT_NE(start("out", "kill 9").exit_code, 0);
  ASSERT_TRUE(fs::exists(checkpoint("out", "000008") / "manifest.json"));
  EXPECT_EQ(start("out", "kill 6").exit_code, 0) << "step 6 lies behind the checkpoint";
  expect_same_as_untouched("out");
  EXPECT_EQ(json::parse(read_file(folder_ / "out" / "train.json")).at("layouts").size(), 1u);

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

TEST_P(RunTest, AnAveragedModelSaysSoAndResumesToTheSameBits) {
  const std::string averaged = "--train.ema 0.9";
  ASSERT_EQ(start("untouched", "nothing 0", averaged).exit_code, 0);
  EXPECT_NE(start("out", "kill 9", averaged).exit_code, 0);
  ASSERT_EQ(start("out", "nothing 0", averaged).exit_code, 0);
  expect_same_as_untouched("out");
  ASSERT_EQ(start("last").exit_code, 0);
  EXPECT_EQ(losses("last"), losses("out")) << "the average takes no part in training";
  EXPECT_NE(model("last"), model("out"));
  const auto record = [&](const std::string& out) {
    return json::parse(read_file(folder_ / out / "train.json"));
  };
  EXPECT_EQ(record("out").at("weights"), "average");
  EXPECT_EQ(record("last").at("weights"), "last");
}

TEST_P(RunTest, BegunFromAnotherModelItResumesToTheSameBits) {
  const std::string layers = "--model.prelude 1 --model.coda 1 --model.core ";
  ASSERT_EQ(
      start("parent", "nothing 0", layers + "4 --model.family static --model.passes 1").exit_code,
      0);
  const std::string relaxed = concat(layers, "2 --model.family relaxed --model.lora-rank 4 ",
                                     "--train.start-from ", (folder_ / "parent").string());
  ASSERT_EQ(start("untouched", "nothing 0", relaxed).exit_code, 0);
  EXPECT_LT(losses("untouched")[0][1], losses("parent")[0][1] - 0.2) << "it began with nothing";
  EXPECT_NE(start("out", "kill 9", relaxed).exit_code, 0);
  EXPECT_EQ(start("out", "nothing 0", relaxed).exit_code, 0);
  expect_same_as_untouched("out");

  const Result fresh =
      start("out", "nothing 0", layers + "2 --model.family relaxed --model.lora-rank 4");
  EXPECT_EQ(fresh.exit_code, 3);
  EXPECT_THAT(fresh.output, HasSubstr("train.start-from"));
  const Result missing =
      start("none", "nothing 0", "--train.start-from " + (folder_ / "gone").string());
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.output, HasSubstr("no finished model"));
  const Result other = start("none", "nothing 0", concat("--model.width 32 ", relaxed));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.output, HasSubstr("model.width is 32, but 16"));
}

// The option is no part of a run's identity, nor do the bits depend on it.
TEST_P(RunTest, ShardedKilledAndResumedItGivesTheBitsOfTheUnsharded) {
  const std::string averaged = "--train.ema 0.9 ",
                    sharded = averaged + "--train.shard-optimiser true";
  ASSERT_EQ(start("untouched", "nothing 0", averaged).exit_code, 0);
  EXPECT_NE(start("out", "kill 9", sharded).exit_code, 0);
  EXPECT_NE(start("out", "kill 9", averaged).exit_code, 0) << "the checkpoint is of step 8";
  EXPECT_EQ(start("out", "nothing 0", sharded).exit_code, 0);
  expect_same_as_untouched("out");
}

TEST_P(RunTest, ShardedItResumesOnOtherRanksAndFromUnsharded) {
  const std::string sharded = "--train.shard-optimiser true";
  EXPECT_NE(start("out", "kill 9", sharded).exit_code, 0);
  EXPECT_NE(start("whole", "kill 9").exit_code, 0);
  ranks_ = 3 - GetParam();
  for (const std::string out : {"out", "whole"}) {
    const Result resumed = start(out, "nothing 0", sharded);
    EXPECT_EQ(resumed.exit_code, 0) << resumed.output;
    EXPECT_THAT(resumed.output, HasSubstr("goes on from"));
  }
  EXPECT_EQ(model("out"), model("whole"));
}

TEST_P(RunTest, ResumedOnOtherRanksItWarnsAndItsRecordNamesBoth) {
  EXPECT_NE(start("out", "kill 9").exit_code, 0);
  ranks_ = other_ranks();
  const Result resumed = start("out");
  EXPECT_EQ(resumed.exit_code, 0);
  EXPECT_THAT(resumed.output, HasSubstr("the result will differ in its last bits"));
  const json layouts = json::parse(read_file(folder_ / "out" / "train.json")).at("layouts");
  ASSERT_EQ(layouts.size(), 2u) << layouts;
  EXPECT_EQ(layouts[0].at("first_step"), 0);
  EXPECT_EQ(layouts[0].at("ranks"), GetParam());
  EXPECT_EQ(layouts[1].at("first_step"), 8);
  EXPECT_EQ(layouts[1].at("ranks"), other_ranks());
}

TEST_P(RunTest, ResumedInOtherMicroBatchesItWarnsToo) {
  EXPECT_NE(start("out", "kill 9").exit_code, 0);
  const Result resumed = start("out", "nothing 0", "--train.micro-sequences 1");
  EXPECT_EQ(resumed.exit_code, 0);
  EXPECT_THAT(resumed.output, HasSubstr(", 1 sequences at once: the result will differ in its last "
                                        "bits"));
  const json layouts = json::parse(read_file(folder_ / "out" / "train.json")).at("layouts");
  ASSERT_EQ(layouts.size(), 2u) << layouts;
  EXPECT_EQ(layouts[0].at("micro_sequences"), 0);
  EXPECT_EQ(layouts[1].at("micro_sequences"), 1);
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

TEST_P(RunTest, AModelThatLostAFileOrHasOneCutIsTrainedAgainToTheSameBits) {
  ASSERT_EQ(start("untouched").exit_code, 0);
  ASSERT_EQ(start("out").exit_code, 0);
  const auto expect_training = [&](const std::string& reason) {
    const Result again = start("out");
    EXPECT_EQ(again.exit_code, 0);
    EXPECT_THAT(again.output, HasSubstr(reason));
    EXPECT_THAT(again.output, HasSubstr("the model is trained again"));
    expect_same_as_untouched("out");
  };
  fs::remove(folder_ / "out" / "model.safetensors");
  expect_training("model.safetensors is not there");
  std::string damaged = model("out");
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  write_file(folder_ / "out" / "model.safetensors", damaged);
  expect_training("model.safetensors: damaged");
  fs::remove(folder_ / "out" / "metrics.jsonl");
  expect_training("metrics.jsonl is not there");
  fs::resize_file(folder_ / "out" / "metrics.jsonl", 100);
  expect_training("metrics.jsonl: damaged");
  fs::resize_file(folder_ / "out" / "train.json", 100);
  expect_training("train.json: damaged");
}

TEST_P(RunTest, AFolderIsRefusedWhileAnotherRunHoldsItAndSweptAfterwards) {
  make_folder(folder_ / "out");
  write_file(folder_ / "out/model.safetensors.tmp.99", "what a killed run was writing");
  {
    const FileLock other = lock_folder(folder_ / "held");
    const Result refused = start("held");
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.output, HasSubstr(concat("another run (process ", getpid())));
    EXPECT_FALSE(fs::exists(folder_ / "held/metrics.jsonl"));
  }
  ASSERT_EQ(start("out").exit_code, 0);
  EXPECT_FALSE(fs::exists(folder_ / "out/model.safetensors.tmp.99"));
  EXPECT_FALSE(fs::exists(folder_ / "out/lock"));
}

TEST_P(RunTest, ALossThatIsNotFiniteStopsNamingStepAndCheckpoint) {
  const Result result = start("out", "nothing 0", "--train.scalar-rate 1e30 --train.steps 40");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(
      result.output,
      testing::ContainsRegex(
          "not finite in step [0-9]+; (the last good checkpoint is|there is no .*checkpoint)"));
  EXPECT_FALSE(fs::exists(folder_ / "out" / "train.json"));
}

TEST_P(RunTest, ANanOnOneRankStopsTheJobNamingStepRankAndCheckpoint) {
  const std::string rank = std::to_string(ranks_ - 1);
  const auto expect_words = [&](const std::string& what, const std::string& words) {
    SCOPED_TRACE(what);
    const Result result = start(what.substr(0, what.find(' ')), what);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_GE(lines_with(result.output, words), 1);
    // Whichever rank speaks, this is what it says; the program lets one (launch/last_words.h).
    EXPECT_EQ(lines_with(result.output, "error: "), lines_with(result.output, words));
    EXPECT_FALSE(fs::exists(folder_ / what.substr(0, what.find(' ')) / "train.json"));
  };
  expect_words("nan-loss 6", concat("the loss on rank ", rank,
                                    " is not finite in step 6; the last good checkpoint is ",
                                    checkpoint("nan-loss", "000004").string(), ";"));
  expect_words("nan-gradient 6", concat("a gradient on rank ", rank,
                                        " is not finite in step 6; the last good checkpoint is ",
                                        checkpoint("nan-gradient", "000004").string(), ";"));
}

TEST_P(RunTest, ACheckpointThatGivesANanAtOnceIsNotCalledGoodAndTheOneBeforeItStays) {
  const Result first = start("out", "nan-loss 4");
  EXPECT_THAT(first.output, HasSubstr(concat("there is no good checkpoint, ",
                                             checkpoint("out", "000004").string(), " gave this")));
  const Result second = start("out", "nan-gradient 8");
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.output,
              HasSubstr(concat("the last good checkpoint is ", checkpoint("out", "000004").string(),
                               ", since ", checkpoint("out", "000008").string(), " gave this")));
  EXPECT_TRUE(fs::exists(checkpoint("out", "000004") / "manifest.json"));
  EXPECT_EQ(start("out").exit_code, 0);
}

TEST_P(RunTest, TheDeviceIsRecordedAndOneThatIsNotThereIsRefused) {
  ASSERT_EQ(start("out", "nothing 0", "--train.device cpu").exit_code, 0);
  const json record = json::parse(read_file(folder_ / "out" / "train.json"));
  EXPECT_EQ(record.at("device"), "cpu");
  EXPECT_FALSE(record.at("identity").at("train").contains("device"));

#ifndef REPRISE_CUDA
  const Result refused = start("other", "nothing 0", "--train.device cuda");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.output, HasSubstr("--train.device is cuda, but this program was built "
                                        "without CUDA; build it with the preset cuda, or give cpu "
                                        "or auto"));
  EXPECT_FALSE(fs::exists(folder_ / "other"));
#endif
}

INSTANTIATE_TEST_SUITE_P(OnRanks, RunTest, testing::Values(1, 2));

/// More ranks than this machine has cores may be slow: the one test that more ranks could fail.
class ManyRanksTest : public RunTest {};

TEST_P(ManyRanksTest, KilledAndResumedGiveTheSameBits) {
  ASSERT_EQ(start("untouched").exit_code, 0);
  EXPECT_NE(start("out", "kill 9").exit_code, 0);
  EXPECT_EQ(start("out").exit_code, 0);
  expect_same_as_untouched("out");
}

INSTANTIATE_TEST_SUITE_P(OnRanks, ManyRanksTest, testing::Values(4));

}  // namespace
}  // namespace reprise
