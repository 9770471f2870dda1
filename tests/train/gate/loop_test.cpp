// Whole runs over synthetic text: stopped, continued, refused.
#include "train/gate/loop.h"

#include <gmock/gmock.h>

#include <csignal>

#include "base/log.h"
#include "tests/data/samples.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_comm.h"
#include "tests/train/gate/written_model.h"
#include "tests/train/synthetic_text.h"
#include "train/gate/gate_file.h"
#include "train/metrics.h"

namespace reprise {
namespace {
using testing::HasSubstr;
namespace fs = std::filesystem;

class GateLoop : public testing::Test {
 protected:
  GateLoop() : root_(broadcast_text(test_comm(), own_.path().string())) {
    log::start(log::Level::kError, test_comm().rank(), test_comm().size());
    if (test_comm().rank() == 0)
      test::write_lively_model(root_ / "model", test::small_model(), "tokenizer");
    test_comm().barrier();
    options_.model = (root_ / "model").string();
    options_.corpus = "synthetic";
    options_.head.hidden = 8;
    options_.objective.budget = GateBudget::kDual;
    options_.steps = 8;
    options_.sequences = 4;
    options_.threads = 1;
    options_.device = DeviceChoice::kCpu;
  }
  ~GateLoop() override { test_comm().barrier(); }

  /// The last rank sends itself `signal` before it reads batch `at`.
  TrainEnd run(const std::string& out, int64_t at = -1, int signal = SIGUSR1) {
    options_.out = (root_ / out).string();
    const auto batches = test::counting_batches(test::small_model());
    const auto with_signal = [&](int64_t batch, int64_t first, int64_t count) {
      if (batch == at && test_comm().rank() == test_comm().size() - 1) std::raise(signal);
      return batches(batch, first, count);
    };
    const GateText text{with_signal, batches, 8, {{"train", "synthetic"}, {"valid", "synthetic"}}};
    OptionSet set("gate", "");
    set.add("gate", options_);
    return train_gate(options_, ModelFile(options_.model), text, set.resolved(), test_comm());
  }
  std::string weights(const std::string& out) const {
    return read_file(root_ / out / kGateWeights);
  }
  int64_t metric_lines(const std::string& out) const {
    return std::ranges::count(read_file(root_ / out / kMetrics), '\n');
  }

  TemporaryFolder own_;
  fs::path root_;
  GateOptions options_;
};

TEST_F(GateLoop, StoppedByASignalItGoesOnToTheSameBits) {
  EXPECT_EQ(run("whole"), TrainEnd::kFinished);
  for (const int signal : {SIGUSR1, SIGTERM}) {
    const std::string out = concat("stopped.", signal);
    EXPECT_EQ(run(out, /*at=*/3, signal), TrainEnd::kStopped);
    EXPECT_FALSE(fs::exists(root_ / out / kGateRecord));
    EXPECT_TRUE(fs::exists(root_ / out / "checkpoint" / "step_000004" / "manifest.json"));
    EXPECT_EQ(run(out), TrainEnd::kFinished);
    EXPECT_EQ(weights(out), weights("whole"));
    EXPECT_EQ(metric_lines(out), 8);
    EXPECT_FALSE(fs::exists(root_ / out / "checkpoint"));
    EXPECT_EQ(GateFile(root_ / out).record().at("multiplier"),
              GateFile(root_ / "whole").record().at("multiplier"));
  }
}

TEST_F(GateLoop, ACheckpointOfOtherOptionsIsRefused) {
  EXPECT_EQ(run("out", /*at=*/3), TrainEnd::kStopped);
  options_.rate *= 2;
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { run("out"); }), HasSubstr("gate.rate is"));
}

TEST_F(GateLoop, CheckpointsAndStoresChangeNoBit) {
  EXPECT_EQ(run("plain"), TrainEnd::kFinished);
  options_.checkpoint_every = 3;
  EXPECT_EQ(run("saved"), TrainEnd::kFinished);
  EXPECT_EQ(weights("saved"), weights("plain"));
  options_.passes = PassesFrom::kStored;
  options_.store = (root_ / "store").string();
  EXPECT_EQ(run("stored"), TrainEnd::kFinished);
  EXPECT_EQ(weights("stored"), weights("plain"));
}

TEST_F(GateLoop, StoppedWhileItStoresItBeginsThatAnew) {
  options_.passes = PassesFrom::kStored;
  options_.store = (root_ / "store").string();
  EXPECT_EQ(run("out", /*at=*/2), TrainEnd::kStopped);
  test_comm().barrier();
  EXPECT_FALSE(fs::exists(root_ / "store"));
  test_comm().barrier();
  EXPECT_EQ(run("out"), TrainEnd::kFinished);
}

TEST_F(GateLoop, ADamagedRecordIsTrainedAgainAForeignOneRefused) {
  EXPECT_EQ(run("out"), TrainEnd::kFinished);
  const std::string good = read_file(root_ / "out" / kGateRecord), head = weights("out");
  const auto leave = [&](const std::string& record) {
    test_comm().barrier();
    if (test_comm().rank() == 0) write_file(root_ / "out" / kGateRecord, record);
    test_comm().barrier();
  };
  for (const std::string& damaged :
       std::vector<std::string>{good.substr(0, 100), R"({"format": "reprise-gate 1"})"}) {
    leave(damaged);
    EXPECT_EQ(run("out"), TrainEnd::kFinished);
    EXPECT_EQ(weights("out"), head);
    EXPECT_NO_THROW(GateFile(root_ / "out"));
  }
  leave("{}");
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { (void)GateFile(root_ / "out"); }),
              HasSubstr("not the record of a gate head"));
}

}  // namespace
}  // namespace reprise
