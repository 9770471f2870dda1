// The whole road on text the test makes: a study from text to report, killed in the middle of each
// long stage, continued, run again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "tests/end_to_end/program.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kStudy = R"(
[study]
arms = recurrent, static
contrast = recurrent, static
ranks = 2
[data]
vocab = 320
valid-share = 0.2
test-share = 0.2
[model]
vocab = 320
width = 32
heads = 2
kv-heads = 1
context = 64
[recurrent.model]
prelude = 1
core = 1
coda = 1
passes = 2
[static.model]
family = static
prelude = 1
core = 2
coda = 1
passes = 1
[train]
steps = 60
sequences = 8
checkpoint-every = 5
[recurrent.train]
objective = gated-refinement
[pack]
bytes = 29000
[eval]
unit-tokens = 128
segment-units = 1
[verdict]
margin-bpb = 0.001
draws = 500
)";

/// A study of its own process group, to be signalled.
class RunningStudy {
 public:
  explicit RunningStudy(const std::string& words, const fs::path& log) {
    child_ = fork();
    if (child_ == 0) {
      const std::string line =
          concat("exec ", reprise_line(words), " 2>>", log.string(), " >/dev/null");
      execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      _exit(127);
    }
  }

  /// Waits until `reached`, then sends `signal`; returns the exit code, 128 + signal where killed.
  int interrupt_when(const std::function<bool()>& reached, int signal) {
    int status = 0;
    while (!reached()) {
      if (waitpid(child_, &status, WNOHANG) == child_) {
        ADD_FAILURE() << "the study ended before it was interrupted";
        return WEXITSTATUS(status);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    kill(child_, signal);
    waitpid(child_, &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t child_ = -1;
};

/// One text and one study for all tests, run once from end to end without a break, into "whole".
class Road : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    write_text(*folder_ / "text");
    write_file(*folder_ / "study.ini", kStudy);
    plan_ = run_reprise(study("plan", "whole"));
    plan_left_something_ = fs::exists(*folder_ / "whole");
    whole_ = run_reprise(study("run", "whole"));
    ASSERT_EQ(whole_.code, 0) << whole_.err;
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string study(const std::string& action, const std::string& out) {
    const std::string text = (*folder_ / "text").string();
    return concat("study ", action, " --study.file ", (*folder_ / "study.ini").string(),
                  " --study.out ", (*folder_ / out).string(), " --data.source ", text, "/one,",
                  text, "/two");
  }

  /// Whether the files in `where` whose names start with `name` hold at least `lines` lines.
  static std::function<bool()> grown(const fs::path& where, const std::string& name,
                                     int64_t lines) {
    const fs::path folder = *folder_ / where;
    return [folder, name, lines] {
      int64_t found = 0;
      std::error_code
          gone;  // the study makes, renames and removes files meanwhile: so no read_file
      for (const auto& entry : fs::directory_iterator(folder, gone)) {
        if (!entry.path().filename().string().starts_with(name)) continue;
        std::ifstream file(entry.path());
        found += std::count(std::istreambuf_iterator<char>(file), {}, '\n');
      }
      return found >= lines;
    };
  }

  static std::string states(const std::string& out) {
    std::string all;
    const json shown = json::parse(run_reprise(study("status", out) + " --json").out);
    for (const auto& node : shown.at("nodes"))
      all += concat(node.at("name").get<std::string>(), ": ", node.at("state").get<std::string>(),
                    "\n");
    return all;
  }

  static std::unique_ptr<TemporaryFolder> folder_;
  static Outcome plan_, whole_;
  static bool plan_left_something_;
};

std::unique_ptr<TemporaryFolder> Road::folder_;
Outcome Road::plan_, Road::whole_;
bool Road::plan_left_something_ = false;

TEST_F(Road, LeadsFromTextToAReportAndIsNotWalkedTwice) {
  EXPECT_EQ(plan_.code, 0) << plan_.err;
  EXPECT_THAT(plan_.out, HasSubstr("0 of 9 done"));
  EXPECT_THAT(plan_.out, HasSubstr("mpirun"));
  EXPECT_FALSE(plan_left_something_);

  EXPECT_THAT(whole_.out, HasSubstr("C1"));
  EXPECT_THAT(whole_.out, HasSubstr("Report: "));
  EXPECT_THAT(read_file(*folder_ / "whole/report/report.html"), HasSubstr("<html"));
  for (const char* arm : {"recurrent", "static"}) {
    const auto bytes =
        fs::file_size(*folder_ / "whole" / concat("pack.", arm, ".1") / "artifact.reprise");
    EXPECT_LE(bytes, 29000u);
    EXPECT_GE(bytes, 29000u - 29u);
  }

  const Outcome second = run_reprise(study("run", "whole"));
  EXPECT_EQ(second.code, 0);
  EXPECT_EQ(second.out, whole_.out);
  EXPECT_THAT(whole_.err, HasSubstr("[9/9] report"));
  EXPECT_THAT(second.err, Not(HasSubstr("/9]"))) << "a run was started again";
  EXPECT_THAT(states("whole"), Not(HasSubstr("to run")));

  const Outcome changed = run_reprise(study("plan", "whole") + " --static.pack.min-bits 5");
  EXPECT_THAT(changed.out, HasSubstr("5 of 9 done"));
  const Outcome on_one_rank = run_reprise(study("plan", "whole") + " --study.ranks 1");
  EXPECT_THAT(on_one_rank.out, HasSubstr("9 of 9 done")) << "what is finished stays valid";
}

TEST_F(Road, InterruptedInEveryLongStageItComesToTheSameModelsAndTraces) {
  const fs::path log = *folder_ / "log";
  const std::string run = study("run", "cut");
  EXPECT_EQ(RunningStudy(run, log).interrupt_when(
                grown("cut/train.recurrent.1/model", "metrics", 12), SIGKILL),
            128 + SIGKILL);
  EXPECT_THAT(states("cut"), HasSubstr("train.recurrent.1: to continue"));
  EXPECT_EQ(RunningStudy(run, log).interrupt_when(grown("cut/train.static.1/model", "metrics", 12),
                                                  SIGTERM),
            75);
  EXPECT_EQ(RunningStudy(run, log).interrupt_when(
                grown("cut/eval.static.1/trace/segments", "ledger", 2), SIGKILL),
            128 + SIGKILL);
  const Outcome rest = run_reprise(run);
  ASSERT_EQ(rest.code, 0) << rest.err;

  for (const char* arm : {"recurrent.1", "static.1"}) {
    const std::string artifact = concat("pack.", arm, "/artifact.reprise");
    EXPECT_EQ(read_file(*folder_ / "cut" / artifact), read_file(*folder_ / "whole" / artifact))
        << arm;
    const auto scores = [&](const char* out) {
      return json::parse(read_file(*folder_ / out / concat("eval.", arm, "/trace/results.json")))
          .at("results");
    };
    EXPECT_EQ(scores("cut"), scores("whole")) << arm;
  }
}

TEST_F(Road, AnUnfinishedTrainingGoesOnOnOtherRanksWarnsAndRecordsIt) {
  const std::string run = study("run", "out");
  EXPECT_EQ(RunningStudy(run, *folder_ / "log")
                .interrupt_when(grown("out/train.recurrent.1/model", "metrics", 12), SIGTERM),
            75);
  EXPECT_EQ(RunningStudy(run + " --study.ranks 1", *folder_ / "log")
                .interrupt_when(grown("out/train.static.1/model", "metrics", 1), SIGKILL),
            128 + SIGKILL);
  const fs::path folder = *folder_ / "out/train.recurrent.1";
  EXPECT_THAT(read_file(folder / "log"), HasSubstr("the result will differ in its last bits"));
  const json layouts = json::parse(read_file(folder / "model/train.json")).at("layouts");
  ASSERT_EQ(layouts.size(), 2u) << layouts;
  EXPECT_EQ(layouts[0].at("ranks"), 2);
  EXPECT_EQ(layouts[1].at("ranks"), 1);
  EXPECT_GT(layouts[1].at("first_step"), 0);
}

TEST_F(Road, LostFilesAreMadeAgain) {
  const fs::path whole = *folder_ / "whole";
  const std::vector<fs::path> lost{whole / "train.static.1/model/model.safetensors",
                                   whole / "pack.static.1/artifact.reprise.ledger.json",
                                   whole / "verdict/output"};
  std::vector<std::string> were;
  for (const auto& file : lost) {
    were.push_back(read_file(file));
    fs::remove(file);
  }
  EXPECT_THAT(states("whole"), HasSubstr("pack.static.1: to continue"));
  const Outcome again = run_reprise(study("run", "whole"));
  EXPECT_EQ(again.code, 0) << again.err;
  for (size_t i = 0; i < lost.size(); ++i) EXPECT_EQ(read_file(lost[i]), were[i]) << lost[i];
  EXPECT_THAT(states("whole"), Not(HasSubstr("to ")));
}

}  // namespace
}  // namespace reprise
