// An evaluation that is killed, stopped or damaged continues and ends with the trace of one that
// was not.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "eval/evaluate.h"
#include "eval/trace/reader.h"
#include "tests/eval/same_columns.h"
#include "tests/eval/tiny_world.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolderVariable = "REPRISE_TEST_FOLDER";

ScoredArtifact gated_artifact(const Corpus& corpus) {
  return tiny_artifact(corpus, Family::kRecurrent, {"entropy", 5.0, 0.25, "of a test"});
}

Outcome run_in(const fs::path& folder, const std::string& out) {
  const auto comm = make_self_communicator();
  const Corpus corpus(folder / "corpus");
  const StopRequest stop;
  return evaluate(gated_artifact(corpus), corpus, tiny_options(folder / out), *comm, stop);
}

class ResumeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    write_tiny_corpus(folder_->path());
    ASSERT_EQ(run_in(folder_->path(), "whole"), Outcome::kFinished);
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static fs::path out(const std::string& name) { return folder_->path() / name; }

  /// This program again, as a process that evaluates into `name`; sends it `signal` once two
  /// segments are finished. Returns its wait status.
  static int run_and_signal(const std::string& name, int signal) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv(kFolderVariable, folder_->path().c_str(), 1);
      const std::string filter = "--gtest_filter=DISABLED_Child." + name;
      ::execl("/proc/self/exe", "child", filter.c_str(), "--gtest_also_run_disabled_tests",
              nullptr);
      ::_exit(127);
    }
    while (finished_segments(name) < 2) {
      int status = 0;
      if (::waitpid(child, &status, WNOHANG) == child) return status;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(child, signal);
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }

  static int64_t finished_segments(const std::string& name) {
    const fs::path ledger = out(name) / "segments" / "ledger.0.jsonl";
    std::ifstream lines(ledger);  // not there before the first segment and behind the last
    return std::count(std::istreambuf_iterator<char>(lines), {}, '\n');
  }

  static void expect_continues(const std::string& name) {
    EXPECT_FALSE(fs::exists(out(name) / "trace.h5"));
    ASSERT_EQ(run_in(folder_->path(), name), Outcome::kFinished);
    expect_same_columns(read_trace(out(name) / "trace.h5"), read_trace(out("whole") / "trace.h5"));
    EXPECT_FALSE(fs::exists(out(name) / "segments"));
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> ResumeTest::folder_;

TEST_F(ResumeTest, AfterAKill) {
  const int status = run_and_signal("Killed", SIGKILL);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself, with status " << status;
  EXPECT_GE(finished_segments("Killed"), 2);
  expect_continues("Killed");
}

TEST_F(ResumeTest, AfterASignal) {
  const int status = run_and_signal("Stopped", SIGUSR1);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0);  // the child found Outcome::kStopped
  expect_continues("Stopped");
}

TEST_F(ResumeTest, AfterASegmentWasDamaged) {
  const int status = run_and_signal("Damaged", SIGKILL);
  ASSERT_TRUE(WIFSIGNALED(status));
  for (const auto& entry : fs::directory_iterator(out("Damaged") / "segments"))
    if (entry.path().extension() == ".h5") {
      std::fstream(entry.path(), std::ios::in | std::ios::out | std::ios::binary)
          .seekp(5000)
          .put('!');
      break;
    }
  expect_continues("Damaged");
}

TEST_F(ResumeTest, SignalBeforeAnyUnit) {
  const auto comm = make_self_communicator();
  const Corpus corpus(folder_->path() / "corpus");
  const StopRequest stop;
  std::raise(SIGTERM);
  EXPECT_EQ(evaluate(gated_artifact(corpus), corpus, tiny_options(out("early")), *comm, stop),
            Outcome::kStopped);
  expect_continues("early");
}

TEST_F(ResumeTest, FinishedIsNotScoredAgain) {
  const auto before = fs::last_write_time(out("whole") / "trace.h5");
  EXPECT_EQ(run_in(folder_->path(), "whole"), Outcome::kFinished);
  EXPECT_EQ(fs::last_write_time(out("whole") / "trace.h5"), before);
}

TEST_F(ResumeTest, ATraceThatWasCutIsScoredAgain) {
  for (const std::uintmax_t bytes : {0, 3000}) {
    const std::string name = concat("cut", bytes);
    make_folder(out(name));
    fs::copy(out("whole") / "trace.h5", out(name));
    fs::resize_file(out(name) / "trace.h5", bytes);
    EXPECT_EQ(run_in(folder_->path(), name), Outcome::kFinished);
    expect_same_columns(read_trace(out(name) / "trace.h5"), read_trace(out("whole") / "trace.h5"));
  }
}

ExitCode code_of(const ScoredArtifact& artifact, const Corpus& corpus, const EvalOptions& options) {
  const auto comm = make_self_communicator();
  const StopRequest stop;
  try {
    evaluate(artifact, corpus, options, *comm, stop);
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.code();
  }
  return ExitCode::kOk;
}

TEST_F(ResumeTest, WhatDoesNotFitIsRefused) {
  const Corpus corpus(folder_->path() / "corpus");
  EvalOptions options = tiny_options(out("whole"));
  options.seed = 99;
  EXPECT_EQ(code_of(gated_artifact(corpus), corpus, options),
            ExitCode::kBadInput);  // a trace of another configuration

  options = tiny_options(out("refused"));
  ScoredArtifact foreign = gated_artifact(corpus);
  foreign.artifact.tokenizer = std::string(64, '0');
  EXPECT_EQ(code_of(foreign, corpus, options), ExitCode::kBadInput);

  ScoredArtifact incomplete = gated_artifact(corpus);
  incomplete.artifact.tensors.pop_back();
  EXPECT_EQ(code_of(incomplete, corpus, options), ExitCode::kBadInput);

  options.window = 65;
  EXPECT_EQ(code_of(gated_artifact(corpus), corpus, options), ExitCode::kUsage);
  options.window = 32;
  options.stride = 33;
  EXPECT_EQ(code_of(gated_artifact(corpus), corpus, options), ExitCode::kUsage);
  options.stride = 0;
  options.refine = Refine::kOn;
  EXPECT_EQ(code_of(tiny_artifact(corpus, Family::kStatic, {}), corpus, options), ExitCode::kUsage);
}

// What run_and_signal() starts; not tests of their own.
class DISABLED_Child : public testing::Test {
 protected:
  fs::path folder_ = std::getenv(kFolderVariable) ? std::getenv(kFolderVariable) : "";
};
TEST_F(DISABLED_Child, Killed) { run_in(folder_, "Killed"); }
TEST_F(DISABLED_Child, Damaged) { run_in(folder_, "Damaged"); }
TEST_F(DISABLED_Child, Stopped) { EXPECT_EQ(run_in(folder_, "Stopped"), Outcome::kStopped); }

}  // namespace
}  // namespace reprise
