// reprise gate from end to end: a corpus of samples, a model with fresh weights, the head on disk.
#include "launch/command.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "base/log.h"
#include "data/build.h"
#include "data/corpus.h"
#include "tests/data/samples.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_comm.h"
#include "tests/train/gate/written_model.h"
#include "train/gate/gate_file.h"
#include "train/gate/objective.h"
#include "train/metrics.h"

namespace reprise {
namespace {
using nlohmann::json;
using testing::HasSubstr;
namespace fs = std::filesystem;

/// Keeps what is written to std::cout while it lives from the harness.
class CaptureCout {
 public:
  CaptureCout() : before_(std::cout.rdbuf(text_.rdbuf())) {}
  ~CaptureCout() { std::cout.rdbuf(before_); }
  CaptureCout(const CaptureCout&) = delete;
  CaptureCout& operator=(const CaptureCout&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

using Words = std::vector<std::string>;

/// A corpus and a model of each family; rank 0 makes them, all ranks read.
class GateCommand : public testing::Test {
 protected:
  GateCommand() : root_(broadcast_text(test_comm(), own_.path().string())) {
    log::start(log::Level::kError, test_comm().rank(), test_comm().size());
    if (test_comm().rank() == 0) {
      write_samples(root_ / "source", 40);
      build_corpus(small_options(root_ / "source", root_ / "corpus"), {});
      const Corpus corpus(root_ / "corpus");
      ModelOptions model = test::tiny_recurrent();
      model.vocab = corpus.tokenizer().vocab();
      model.context = 16;
      test::write_lively_model(root_ / "recurrent", model, corpus.tokenizer().digest());
      test::write_lively_model(root_ / "foreign", model, "another tokenizer");
      model.family = Family::kStatic;
      model.passes = 1;
      test::write_lively_model(root_ / "static", model, corpus.tokenizer().digest());
    }
    test_comm().barrier();
  }
  ~GateCommand() override { test_comm().barrier(); }

  Words words(const std::string& model, const std::string& out, const Words& more) const {
    Words all{"--gate.model",     (root_ / model).string(),
              "--gate.corpus",    (root_ / "corpus").string(),
              "--gate.out",       (root_ / out).string(),
              "--gate.steps",     "6",
              "--gate.sequences", "4",
              "--gate.threads",   "1",
              "--gate.device",    "cpu"};
    for (size_t i = 0; i < more.size(); i += 2) {
      const auto given = std::ranges::find(all, more[i]);
      if (given != all.end()) all.erase(given, given + 2);
      all.insert(all.end(), {more[i], more[i + 1]});
    }
    return all;
  }
  fs::path gate(Communicator& comm, const std::string& model, const std::string& out,
                const Words& more = {}) {
    const CaptureCout captured;
    EXPECT_EQ(run_gate(words(model, out, more), comm), ExitCode::kOk);
    printed_ = captured.text();
    return root_ / out;
  }
  /// What is refused, on a rank of its own; nothing may be left of it.
  std::string refusal(ExitCode code, const Words& more, const std::string& model = "recurrent") {
    const auto self = make_self_communicator();
    const std::string line =
        error_of(code, [&] { (void)run_gate(words(model, "never", more), *self); });
    EXPECT_FALSE(fs::exists(root_ / "never")) << line;
    return line;
  }

  TemporaryFolder own_;
  fs::path root_;
  std::string printed_;
};

TEST_F(GateCommand, LeavesAHeadItsRecordAndItsMetrics) {
  const std::string model = read_file(root_ / "recurrent" / kWeights);
  const fs::path out = gate(test_comm(), "recurrent", "out");
  const GateFile file(out);
  EXPECT_EQ(file.model().at("sha256"), to_hex(sha256_file(root_ / "recurrent" / kWeights)));
  EXPECT_EQ(file.options().hidden, 32);
  const json& record = file.record();
  EXPECT_EQ(record.at("inputs"), 8 + kGateSignals);
  EXPECT_EQ(record.at("parameters"), file.head().count());
  EXPECT_EQ(record.at("config").at("gate").at("delta"), 0.1);
  EXPECT_EQ(record.at("sees").at("inputs"),
            json({"state", "entropy_share", "margin", "max_probability"}));
  EXPECT_EQ(record.at("sees").at("after_pass"), 2);
  EXPECT_EQ(record.at("sees").at("target"), false);
  EXPECT_EQ(record.at("identity").at("corpus").at("train"),
            Corpus(root_ / "corpus").digest(Split::kTrain));
  EXPECT_GT(record.at("labels").at("positive_share"), 0);
  EXPECT_GT(record.at("valid").at("tokens"), 0);
  EXPECT_TRUE(record.at("valid").at("head").at("auc").is_number());
  const std::string metrics = read_file(out / kMetrics);
  EXPECT_EQ(std::ranges::count(metrics, '\n'), 6);
  EXPECT_FALSE(fs::exists(out / "checkpoint"));
  EXPECT_EQ(read_file(root_ / "recurrent" / kWeights), model);
  EXPECT_EQ(printed_.find("area under the curve") != std::string::npos, test_comm().rank() == 0);
}

TEST_F(GateCommand, GivesTheSameHeadOnOneRankAndOnAll) {
  const fs::path all = gate(test_comm(), "recurrent", "all");
  if (test_comm().rank() != 0) return;
  const auto self = make_self_communicator();
  const GateFile together(all), alone(gate(*self, "recurrent", "one"));
  for (size_t i = 0; i < alone.head().list().size(); ++i)
    EXPECT_LT((together.head().list()[i].tensor - alone.head().list()[i].tensor)
                  .abs()
                  .max()
                  .item<double>(),
              1e-4);
  EXPECT_NEAR(together.record().at("valid").at("head").at("auc").get<double>(),
              alone.record().at("valid").at("head").at("auc").get<double>(), 1e-3);
}

TEST_F(GateCommand, StoredPassesGiveTheBitsOfLiveOnes) {
  const std::string store = (root_ / "store").string();
  const Words stored{"--gate.passes", "stored", "--gate.store", store, "--gate.batches", "3"};
  const fs::path live = gate(test_comm(), "recurrent", "live", {"--gate.batches", "3"}),
                 from_store = gate(test_comm(), "recurrent", "stored", stored);
  EXPECT_EQ(read_file(live / kGateWeights), read_file(from_store / kGateWeights));
  // Another head of the same model and text reads the same passes, which are not written again.
  const auto written = fs::last_write_time(root_ / "store" / "passes.json");
  Words other = stored;
  other.insert(other.end(), {"--gate.head", "linear", "--gate.target", "soft-gain"});
  EXPECT_EQ(GateFile(gate(test_comm(), "recurrent", "linear", other)).head().list().size(), 2);
  EXPECT_EQ(fs::last_write_time(root_ / "store" / "passes.json"), written);
}

TEST_F(GateCommand, AStoreOfAnotherModelIsRefused) {
  const Words stored{"--gate.passes", "stored", "--gate.store", (root_ / "store").string()};
  gate(test_comm(), "recurrent", "out", stored);
  if (test_comm().rank() != 0) return;
  const auto self = make_self_communicator();
  EXPECT_THAT(error_of(ExitCode::kBadInput,
                       [&] { (void)run_gate(words("static", "other", stored), *self); }),
              HasSubstr("model.family is \"recurrent\" there and \"static\" here"));
}

TEST_F(GateCommand, EveryTargetOfBothFamilies) {
  for (const std::string model : {"recurrent", "static"})
    for (const auto& [target, name] : EnumNames<GateTarget>::names) {
      Words more{"--gate.target", std::string(name), "--gate.after", "1",
                 "--gate.reads",  "signals"};
      if (target == GateTarget::kMismatch)  // of random weights no prediction is right
        more.insert(more.end(), {"--gate.positive-share", "0.5"});
      if (target == GateTarget::kAnyLaterGain) more.insert(more.end(), {"--gate.later", "2"});
      const GateFile file(gate(test_comm(), model, concat(model, ".", name), more));
      EXPECT_EQ(file.record().at("sees").at("after_pass"), 1);
      EXPECT_EQ(file.record().at("inputs"), kGateSignals);
    }
}

TEST_F(GateCommand, AFinishedHeadIsNotTrainedAgainADamagedOneIs) {
  const fs::path out = gate(test_comm(), "recurrent", "out");
  const std::string record = read_file(out / kGateRecord);
  gate(test_comm(), "recurrent", "out");
  EXPECT_EQ(read_file(out / kGateRecord), record);
  test_comm().barrier();
  const std::string weights = read_file(out / kGateWeights);
  test_comm().barrier();
  if (test_comm().rank() == 0) fs::resize_file(out / kGateWeights, 40);
  test_comm().barrier();
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { const GateFile file(out); }),
              HasSubstr("damaged"));
  test_comm().barrier();
  gate(test_comm(), "recurrent", "out");
  EXPECT_EQ(read_file(out / kGateWeights), weights);
}

TEST_F(GateCommand, AnotherRunsFolderIsRefused) {
  gate(test_comm(), "recurrent", "out");
  if (test_comm().rank() != 0) return;
  const auto self = make_self_communicator();
  EXPECT_THAT(error_of(ExitCode::kBadInput,
                       [&] {
                         (void)run_gate(words("recurrent", "out", {"--gate.delta", "0.5"}), *self);
                       }),
              testing::AllOf(HasSubstr("gate.delta is 0.1 there and 0.5 here"),
                             HasSubstr("use another gate.out")));
}

TEST_F(GateCommand, BadInputIsOneLineAndLeavesNothing) {
  if (test_comm().rank() != 0) return;
  EXPECT_THAT(refusal(ExitCode::kBadInput, {}, "missing"), HasSubstr("no finished model"));
  EXPECT_THAT(refusal(ExitCode::kBadInput, {}, "foreign"), HasSubstr("another tokenizer"));
  EXPECT_THAT(refusal(ExitCode::kUsage, {"--gate.delta", "-1"}), HasSubstr("gate.delta is -1"));
  EXPECT_THAT(refusal(ExitCode::kUsage, {"--gate.hidden", "0"}), HasSubstr("gate.hidden is 0"));
  EXPECT_THAT(refusal(ExitCode::kUsage, {"--gate.target-share", "1.5"}),
              HasSubstr("gate.target-share is 1.5"));
  EXPECT_THAT(refusal(ExitCode::kUsage, {"--gate.after", "2"}, "static"),
              HasSubstr("the static family runs its layers once"));
  EXPECT_THAT(refusal(ExitCode::kBadInput, {"--gate.sequences", "100000"}),
              HasSubstr("shorter than one batch"));
  EXPECT_THAT(refusal(ExitCode::kUsage, {"--gate.out", (root_ / "recurrent" / "x").string()}),
              HasSubstr("--gate.out"));
  EXPECT_THAT(refusal(ExitCode::kUsage,
                      {"--gate.passes", "stored", "--gate.store", (root_ / "never").string()}),
              HasSubstr("are one folder"));
}

// A label compares, and what is compared with no number is no gain: the model's fault must not
// look like text on which a second look is never worth it.
TEST_F(GateCommand, AModelThatGivesNoNumbersEndsTheRunWithStepAndRank) {
  if (test_comm().rank() == 0) {
    const ModelOptions model = ModelFile(root_ / "recurrent").options();
    const Parameters parameters = test::lively_parameters(model, at::kFloat);
    at::Tensor embedding = parameters["embedding"].detach();
    embedding.fill_(std::numeric_limits<float>::quiet_NaN());
    test::write_weights(root_ / "broken", model, Corpus(root_ / "corpus").tokenizer().digest(),
                        parameters);
    const auto self = make_self_communicator();
    const std::string line = error_of(ExitCode::kFailure, [&] {
      (void)run_gate(words("broken", "broken.out", {"--gate.positive-share", "0.3"}), *self);
    });
    EXPECT_THAT(line, HasSubstr("the model's loss on rank 0 is not finite in step 0"));
    EXPECT_FALSE(fs::exists(root_ / "broken.out" / kGateRecord));
  }
}

}  // namespace
}  // namespace reprise
