// The runner, with a shell script in the place of `reprise`: what runs, what does not run again,
// what stops it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "base/log.h"
#include "launch/study/process.h"
#include "launch/study/runner.h"
#include "launch/study/store.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Appends its command to `calls`, then: logs what a file `progress` holds and takes its time;
/// waits while a file `hold` is there, fails where a file `fail.<command>` holds an exit code, else
/// writes what its configuration calls out.
constexpr const char* kFakeProgram = R"(#!/bin/sh
here=$(dirname "$0")
echo "$1" >> "$here/calls"
trap 'echo "saved" >&2; exit 75' USR1
echo "$1 starts" >&2
[ -e "$here/progress" ] && { cat "$here/progress" >&2; sleep 1.5; }
while [ -e "$here/hold" ]; do sleep 0.05; done
if [ -e "$here/fail.$1" ]; then echo "reprise $1: no luck" >&2; exit $(cat "$here/fail.$1"); fi
out=$(sed -n 's/^out = //p' "$3")
[ -n "$out" ] && echo "$OMP_NUM_THREADS" >> "$out"
[ -e "$here/beside" ] && echo "-" > "$out.beside"
exit 0
)";

class StudyRunner : public testing::Test {
 protected:
  StudyRunner() {
    write_file(folder_ / "reprise", kFakeProgram);
    fs::permissions(folder_ / "reprise", fs::perms::owner_all);
    options_ = {folder_ / "out", {folder_ / "launcher"}, folder_ / "reprise"};
    write_launcher("shift\nexec \"$@\"\n");  // drops the ranks
    build(1);
  }

  void write_launcher(const std::string& script) const {
    write_file(folder_ / "launcher", concat("#!/bin/sh\n", script));
    fs::permissions(folder_ / "launcher", fs::perms::owner_all);
  }

  /// data -> train -> eval, with an option of train.
  void build(int steps) {
    graph_ = {};
    const size_t data =
        graph_.add({.name = "data", .command = "data", .outputs = {{"data.out", "corpus"}}});
    const size_t train = graph_.add({.name = "train.a.1",
                                     .command = "train",
                                     .ranks = 2,
                                     .threads = 3,
                                     .options = {{"train", {{"steps", steps}}}},
                                     .inputs = {{"train.corpus", data, "corpus", ""}},
                                     .outputs = {{"train.out", "model"}}});
    graph_.add({.name = "eval.a.1",
                .command = "eval",
                .inputs = {{"eval.model", train, "model", ""}},
                .outputs = {{"eval.out", "trace"}}});
  }

  std::vector<std::string> calls() const {
    std::vector<std::string> all;
    std::ifstream in(folder_ / "calls");
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }

  std::string error_of_run(ExitCode expected) {
    try {
      run_graph(graph_, options_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), expected);
      return error.what();
    }
    ADD_FAILURE() << "the run succeeded";
    return "";
  }

  TemporaryFolder folder_;
  RunnerOptions options_;
  Graph graph_;
};

TEST_F(StudyRunner, RunsEveryNodeInOrderThenNothing) {
  EXPECT_EQ(run_graph(graph_, options_), ExitCode::kOk);
  EXPECT_THAT(calls(), ElementsAre("data", "train", "eval"));
  EXPECT_EQ(read_file(options_.out / "train.a.1" / "model"), "3\n");  // OMP_NUM_THREADS
  for (const auto& node : graph_.nodes) EXPECT_EQ(state_of(node, options_.out), NodeState::kDone);
  EXPECT_EQ(run_graph(graph_, options_), ExitCode::kOk);
  EXPECT_EQ(calls().size(), 3u);
}

TEST_F(StudyRunner, RunsAgainWhatAChangedOptionReaches) {
  run_graph(graph_, options_);
  build(2);
  EXPECT_EQ(state_of(graph_.nodes[0], options_.out), NodeState::kDone);
  EXPECT_EQ(state_of(graph_.nodes[1], options_.out), NodeState::kMissing);
  run_graph(graph_, options_);
  EXPECT_THAT(calls(), ElementsAre("data", "train", "eval", "train", "eval"));
  build(1);  // its results were kept
  run_graph(graph_, options_);
  EXPECT_EQ(calls().size(), 5u);
}

TEST_F(StudyRunner, RunsAgainWhatLostAnOutput) {
  run_graph(graph_, options_);
  fs::remove(options_.out / graph_.nodes[2].folder() / "trace");
  EXPECT_EQ(state_of(graph_.nodes[2], options_.out), NodeState::kPartial);
  run_graph(graph_, options_);
  EXPECT_THAT(calls(), ElementsAre("data", "train", "eval", "eval"));
}

TEST_F(StudyRunner, RunsAgainFromNothingWhatLostAFileThatNoOptionNames) {
  graph_.nodes[0].outputs.push_back({"", "corpus.beside"});
  EXPECT_THAT(error_of_run(ExitCode::kFailure), HasSubstr("without writing"));
  write_file(folder_ / "beside", "-");
  const auto folder = options_.out / graph_.nodes[0].folder();
  run_graph(graph_, options_);
  EXPECT_EQ(read_file(folder / "corpus"), "1\n") << "what was there was not removed";
  fs::remove(folder / "corpus.beside");
  EXPECT_EQ(state_of(graph_.nodes[0], options_.out), NodeState::kPartial);
  run_graph(graph_, options_);
  EXPECT_EQ(state_of(graph_.nodes[0], options_.out), NodeState::kDone);
}

TEST_F(StudyRunner, RunsAgainWhatContinuesWithoutRemovingWhatItLeft) {
  graph_.nodes[0].continues = true;
  graph_.nodes[0].outputs.push_back({"", "corpus.beside"});
  error_of_run(ExitCode::kFailure);
  write_file(folder_ / "beside", "-");
  run_graph(graph_, options_);
  EXPECT_EQ(read_file(options_.out / "data" / "corpus"), "1\n1\n");
}

TEST_F(StudyRunner, ARecordThatNobodyWroteIsNone) {
  run_graph(graph_, options_);
  const std::string& key = graph_.nodes[0].key;
  for (const std::string& record :
       {std::string("{\"key\": 5}"), std::string("[]"), std::string("{"),
        concat("{\"key\": \"", key, "\", \"exit_code\": 0, \"elapsed_s\": \"1\", ",
               "\"outputs\": {\"corpus\": 2}}"),
        concat("{\"key\": \"", key, "\", \"exit_code\": 0, \"elapsed_s\": 1, ",
               "\"outputs\": {\"corpus\": \"2\"}}")}) {
    SCOPED_TRACE(record);
    write_file(options_.out / "data" / "done.json", record);
    EXPECT_EQ(state_of(graph_.nodes[0], options_.out), NodeState::kPartial);
  }
  run_graph(graph_, options_);
  EXPECT_THAT(calls(), ElementsAre("data", "train", "eval", "data"));
}

TEST_F(StudyRunner, AFolderThatNoListCanNameIsRefusedBeforeAnythingRuns) {
  options_.out = folder_ / "a,b";
  EXPECT_THAT(error_of_run(ExitCode::kUsage), HasSubstr("study.out"));
  EXPECT_FALSE(fs::exists(options_.out));
}

TEST_F(StudyRunner, TellsHowFarANodeIsWithOneTimeOfDayALine) {
  write_file(folder_ / "progress", "12:34:56 info [rank 0] 3/60 steps (5 %)\n");
  graph_.nodes.resize(1);
  options_.log_pause = {};
  testing::internal::CaptureStderr();
  log::start(log::Level::kInfo, 0, 1);
  EXPECT_EQ(run_graph(graph_, options_), ExitCode::kOk);
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_THAT(told, HasSubstr(" info     3/60 steps (5 %)\n"));
  EXPECT_THAT(told, Not(HasSubstr("12:34:56")));
}

TEST_F(StudyRunner, AFailingNodeEndsTheRunWithItsCodeItsLineAndItsLog) {
  write_file(folder_ / "fail.train", "4");
  const std::string line = error_of_run(ExitCode::kCapUnreachable);
  EXPECT_THAT(line, HasSubstr("train.a.1 ended with exit code 4: reprise train: no luck"));
  EXPECT_THAT(line, HasSubstr("/log)"));
  EXPECT_THAT(calls(), ElementsAre("data", "train"));
  fs::remove(folder_ / "fail.train");
  EXPECT_EQ(run_graph(graph_, options_), ExitCode::kOk);
  EXPECT_THAT(calls(), ElementsAre("data", "train", "train", "eval"));
}

TEST_F(StudyRunner, AnInconclusiveNodeIsDoneAndGivesTheStudyItsCode) {
  graph_.nodes[0].outputs.clear();
  write_file(folder_ / "fail.data", "6");
  EXPECT_EQ(run_graph(graph_, options_), ExitCode::kInconclusive);
  EXPECT_THAT(calls(), ElementsAre("data", "train", "eval"));
  EXPECT_EQ(run_graph(graph_, options_), ExitCode::kInconclusive);
  EXPECT_EQ(calls().size(), 3u);
}

TEST_F(StudyRunner, AnUnknownExitCodeIsAFault) {
  write_file(folder_ / "fail.data", "99");
  EXPECT_THAT(error_of_run(ExitCode::kFailure), HasSubstr("exit code 99"));
}

TEST_F(StudyRunner, SuccessWithoutTheOutputIsAFault) {
  graph_.nodes[0].outputs[0].option = "data.elsewhere";
  EXPECT_THAT(error_of_run(ExitCode::kFailure), HasSubstr("without writing"));
}

TEST_F(StudyRunner, AProgramThatIsNotThereIsAFault) {
  options_.launcher = {folder_ / "nothing"};
  EXPECT_THAT(
      error_of_run(ExitCode::kFailure),
      HasSubstr(concat("exit code 127 (cannot start ", folder_.path().string(), "/nothing) (")));
}

TEST_F(StudyRunner, ANodeThatASignalEndedIsSaidToBe) {
  write_launcher("kill -9 $$\n");
  EXPECT_THAT(error_of_run(ExitCode::kFailure),
              HasSubstr("data ended with exit code 137 (killed by signal 9) ("));
}

TEST_F(StudyRunner, NothingOfAnMpiJobAroundItReachesANode) {
  write_launcher(concat("env > ", (folder_ / "seen").string(), "\nshift\nexec \"$@\"\n"));
  const std::vector<std::string> of_the_job{"OMPI_COMM_WORLD_SIZE", "OMPI_UNIVERSE_SIZE",
                                            "PMIX_NAMESPACE", "OMPI_MCA_orte_hnp_uri",
                                            "OMPI_MCA_ess"};
  for (const auto& name : of_the_job) setenv(name.c_str(), "1", 1);
  setenv("OMPI_MCA_btl", "self,tcp", 1);
  run_graph(graph_, options_);
  for (const auto& name : of_the_job) unsetenv(name.c_str());
  unsetenv("OMPI_MCA_btl");
  const std::string seen = read_file(folder_ / "seen");
  for (const auto& name : of_the_job) EXPECT_THAT(seen, Not(HasSubstr(name + "=")));
  EXPECT_THAT(seen, HasSubstr("OMPI_MCA_btl=self,tcp\n")) << "a setting of the user's";
}

TEST_F(StudyRunner, ASignalIsHandedOnAndTheStudyIsResumable) {
  const HeldSignals held;  // in the thread too, which would take the signal and die of it
  write_file(folder_ / "hold", "-");
  std::thread friend_of_ours([&] {
    while (last_line(options_.out / "data" / "log") != "data starts")
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    kill(getpid(), SIGTERM);
  });
  EXPECT_EQ(run_graph(graph_, options_), ExitCode::kResumable);
  friend_of_ours.join();
  EXPECT_EQ(last_line(options_.out / "data" / "log"), "saved");
  EXPECT_EQ(state_of(graph_.nodes[0], options_.out), NodeState::kPartial);
  fs::remove(folder_ / "hold");
  EXPECT_EQ(run_graph(graph_, options_), ExitCode::kOk);
  EXPECT_THAT(calls(), ElementsAre("data", "data", "train", "eval"));
}

}  // namespace
}  // namespace reprise
