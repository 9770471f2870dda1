// A measuring from a corpus to a calibration: its bits, its text, its state.
#include "models/calibration/measure.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "base/log.h"
#include "base/safetensors.h"
#include "data/build.h"
#include "models/calibration/windows.h"
#include "tests/data/samples.h"
#include "tests/models/tiny_models.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {
namespace fs = std::filesystem;
using namespace test;
using testing::Each;
using testing::HasSubstr;
using testing::StartsWith;

/// Of every number, and of the text.
std::string bits_of(const Calibration& calibration) {
  Sha256Stream stream;
  const auto add = [&](const auto& values) {
    stream.update(
        {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values.front())});
  };
  stream.update(concat(calibration.text, " ", calibration.tokens));
  for (const auto& [name, tensor] : calibration.tensors) {
    stream.update(concat(name, " ", tensor.applications));
    add(tensor.row_sensitivity);
    add(tensor.column_sensitivity);
    if (tensor.read_hessian) add(tensor.read_hessian());
  }
  return to_hex(stream.finish());
}

/// A corpus that rank 0 makes for all tests.
class SampleCorpus {
 public:
  SampleCorpus() {
    const fs::path folder = broadcast_text(test_comm(), own_.path().string());
    if (test_comm().rank() == 0) {
      write_samples(folder / "source", 40);
      build_corpus(small_options(folder / "source", folder / "corpus"), {});
    }
    test_comm().barrier();
    corpus_.emplace(folder / "corpus");
    test_comm().barrier();
  }
  const Corpus& operator*() const { return *corpus_; }

 private:
  TemporaryFolder own_;
  std::optional<Corpus> corpus_;  // mapped: it outlives its files on other ranks
};

/// A model with experts over the corpus's vocabulary.
class MeasureUse : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    log::start(log::Level::kWarning, test_comm().rank(), test_comm().size());
    sample_ = std::make_unique<SampleCorpus>();
  }
  static void TearDownTestSuite() {
    test_comm().barrier();
    sample_.reset();
  }
  MeasureUse() : root_(broadcast_text(comm_, own_.path().string())) {
    model_ = tiny_moe_attention();
    model_.vocab = corpus_.tokenizer().vocab();
    model_.context = 16;
    parameters_.emplace(lively_parameters(model_, at::kFloat));
  }
  ~MeasureUse() override { comm_.barrier(); }

  /// 18 windows, in 5 groups of which the last has 2.
  static UseOptions options() {
    return {
        .tokens = 18 * 16 - 3, .refine_share = 0.25, .save_pause = std::chrono::milliseconds(0)};
  }
  UseOptions stopping_behind(int64_t rounds, const fs::path& state) {
    UseOptions stopping = options();
    stopping.state = state.string();
    stopping.stop = [rounds, asked = std::make_shared<int64_t>(0)] { return ++*asked >= rounds; };
    return stopping;
  }
  UseOptions keeping(const fs::path& state) const {
    UseOptions keeping = options();
    keeping.state = state.string();
    return keeping;
  }

  Calibration measure(const UseOptions& options, Communicator& comm) const {
    return measure_use(model_, *parameters_, corpus_, options, comm);
  }
  std::string bits(const UseOptions& options, Communicator& comm) const {
    return bits_of(measure(options, comm));
  }
  std::string error(ExitCode code, const UseOptions& options) const {
    return error_of(code, [&] { (void)measure(options, comm_); });
  }

  Communicator& comm_ = test_comm();
  std::unique_ptr<Communicator> self_ = make_self_communicator();
  TemporaryFolder own_;
  fs::path root_;
  const Corpus& corpus_ = **sample_;
  ModelOptions model_;
  std::optional<Parameters> parameters_;

 private:
  static inline std::unique_ptr<SampleCorpus> sample_;
};

// Of weights in fp64: sums of a few products in fp32 are exact in fp64, in whichever order.
TEST_F(MeasureUse, GivesTheSameBitsOnAnyRanksAndThreads) {
  parameters_.emplace(lively_parameters(model_, at::kDouble));
  const std::string alone = bits(options(), *self_);
  UseOptions two_threads = options();
  two_threads.threads = 2;
  EXPECT_EQ(bits(two_threads, *self_), alone);
  EXPECT_EQ(bits(options(), comm_), alone);
  EXPECT_EQ(bits(two_threads, comm_), alone);
}

// libtorch's own threads would cut a window's sums into other parts.
TEST_F(MeasureUse, ComputesAWindowOnOneThreadAndLeavesTheCallersAlone) {
  const int before = at::get_num_threads();
  const std::string alone = bits(options(), *self_);
  at::set_num_threads(3);
  UseOptions asking = options();
  std::vector<int> threads;
  asking.stop = [&threads] {
    threads.push_back(at::get_num_threads());
    return false;
  };
  EXPECT_EQ(bits(asking, *self_), alone);
  EXPECT_THAT(threads, Each(1));
  EXPECT_EQ(threads.size(), 4);  // between five rounds
  EXPECT_EQ(at::get_num_threads(), 3);
  at::set_num_threads(before);
}

TEST_F(MeasureUse, NamesItsTextAndWhatItMeasured) {
  const Calibration found = measure(options(), comm_);
  EXPECT_EQ(found.tokens, 18 * 16);
  EXPECT_EQ(found.text, TrainWindows(corpus_, 18 * 16, 16).digest());
  EXPECT_EQ(found.tensors.size(), parameters_->list().size());
  EXPECT_EQ(found.tensors.at("layer.1.attention.key").applications, 2 * 18 * 16);
  EXPECT_EQ(found.tensors.at("layer.1.attention.query").applications, 2 * 18 * 16 + 18 * 4);
  UseOptions other = options();
  other.tokens = 25 * 16;
  EXPECT_NE(measure(other, comm_).text, found.text);
}

TEST_F(MeasureUse, AShareOfLessThanATokenAWindowRefinesOne) {
  UseOptions few = options();
  few.refine_share = 0.001;
  EXPECT_EQ(measure(few, comm_).tensors.at("layer.1.attention.query").applications,
            2 * 18 * 16 + 18);
}

TEST_F(MeasureUse, AnyNumberOfTokensBeyondTheSplitIsAllOfIt) {
  const int64_t all = (corpus_.tokens(Split::kTrain) - 1) / 16;
  EXPECT_EQ(TrainWindows(corpus_, std::numeric_limits<int64_t>::max(), 16).count(), all);
}

// The split is cut into as many windows as it has; every second of them where half are wanted.
TEST_F(MeasureUse, WindowsLieEvenlyInTheTrainSplit) {
  const int64_t all = (corpus_.tokens(Split::kTrain) - 1) / 16;
  EXPECT_EQ(TrainWindows(corpus_, 1'000'000, 16).count(), all);
  const int64_t half = all / 2;
  const TrainWindows windows(corpus_, half * 16, 16);
  ASSERT_EQ(windows.count(), half);
  for (int64_t window = 0; window < half; ++window) {
    std::vector<Token> tokens(17);
    corpus_.read(Split::kTrain, window * all / half * 16, tokens);
    const at::Tensor found = windows[window].flatten();
    for (int64_t t = 0; t < 17; ++t)
      EXPECT_EQ(found[t].item<int64_t>(), tokens[static_cast<size_t>(t)]);
  }
}

TEST_F(MeasureUse, StoppedAndResumedItGivesTheSameBits) {
  const fs::path state = root_ / "state";
  const UseOptions stopping = stopping_behind(1, state);
  EXPECT_THAT(error(ExitCode::kResumable, stopping),
              StartsWith(concat("stopped by a signal behind ", std::min(18, 4 * comm_.size()),
                                " of 18 windows")));
  EXPECT_EQ(bits(keeping(state), comm_), bits(options(), *self_));
}

// Killed by what nothing catches: the state is that of the last round that was written. Another
// number of ranks, here one on rank 0 alone, goes on from it.
TEST_F(MeasureUse, KilledAndResumedByOtherRanksItGivesTheSameBits) {
  const fs::path state = root_ / "state";
  UseOptions killed = keeping(state);
  killed.stop = [asked = 0]() mutable -> bool {
    if (++asked == 2) throw std::runtime_error("killed");
    return false;
  };
  EXPECT_THROW((void)measure(killed, *self_), std::runtime_error);
  comm_.barrier();
  const SafetensorsFile file(state);
  EXPECT_EQ(file.metadata().at("groups"), "1");
  EXPECT_EQ(bits(keeping(state), comm_), bits(options(), *self_));
}

TEST_F(MeasureUse, WhatIsCompleteIsNotMeasuredAgain) {
  const fs::path state = root_ / "state";
  const std::string first = bits(keeping(state), comm_);
  UseOptions again = keeping(state);
  again.stop = []() -> bool { throw std::runtime_error("measured again"); };
  EXPECT_EQ(bits(again, comm_), first);
}

TEST_F(MeasureUse, AStateOfOtherWeightsOrOptionsIsWrittenOver) {
  const fs::path state = root_ / "state";
  (void)measure(keeping(state), comm_);
  UseOptions coarse = keeping(state);
  coarse.refine_share = 0;
  const Calibration found = measure(coarse, comm_);
  EXPECT_EQ(found.tensors.at("layer.1.attention.query").applications, 2 * 18 * 16);
  parameters_->assign("layer.1.mix", (*parameters_)["layer.1.mix"] * 1.5);
  EXPECT_NE(bits(coarse, comm_), bits_of(found));
  EXPECT_EQ(bits(coarse, comm_), bits(coarse, *self_));
}

TEST_F(MeasureUse, ADamagedStateIsRefused) {
  const fs::path state = root_ / "state";
  (void)measure(keeping(state), comm_);
  if (comm_.rank() == 0) {
    std::string bytes = read_file(state);
    bytes[bytes.size() - 5] ^= 1;
    write_file(state, bytes);
  }
  comm_.barrier();
  EXPECT_EQ(error(ExitCode::kBadInput, keeping(state)),
            concat(state.string(), ": damaged; remove it to measure anew"));
  (void)measure(keeping(root_ / "whole"), comm_);
  if (comm_.rank() == 0) {  // fewer groups than the sums are of: they would count twice
    std::string bytes = read_file(root_ / "whole");
    const std::string groups = R"("groups":"5")";
    bytes.at(bytes.find(groups) + groups.size() - 2) = '3';
    write_file(state, bytes);
  }
  comm_.barrier();
  EXPECT_THAT(error(ExitCode::kBadInput, keeping(state)), HasSubstr("damaged"));
  comm_.barrier();
  if (comm_.rank() == 0) write_file(state, "something else");
  comm_.barrier();
  EXPECT_THAT(error(ExitCode::kBadInput, keeping(state)), HasSubstr(state.string()));
  if (comm_.rank() == 0) write_safetensors(state, {}, {{"format", "another"}});
  comm_.barrier();
  EXPECT_THAT(error(ExitCode::kBadInput, keeping(state)),
              HasSubstr("not a measuring of a model's use"));
}

TEST_F(MeasureUse, WeightsThatAreNotFiniteAreNamed) {
  parameters_->assign("layer.1.attention.key",
                      at::full_like((*parameters_)["layer.1.attention.key"].detach(),
                                    std::numeric_limits<float>::quiet_NaN()));
  EXPECT_EQ(error(ExitCode::kBadInput, options()),
            "the model's layer.1.attention.key holds a number that is not finite; train it again, "
            "or pack an earlier one");
}

TEST_F(MeasureUse, WeightsThatOverflowAreToldOnce) {
  parameters_->assign("layer.1.mix", at::full_like((*parameters_)["layer.1.mix"].detach(), 1e38F));
  EXPECT_THAT(error(ExitCode::kBadInput, options()), HasSubstr("not finite"));
}

TEST_F(MeasureUse, RefusesWhatDoesNotFit) {
  UseOptions wide = options();
  wide.window = 17;
  EXPECT_THAT(error(ExitCode::kUsage, wide), HasSubstr("in windows of 17 tokens"));
  UseOptions few = options();
  few.refine_share = -0.01;
  EXPECT_THAT(error(ExitCode::kUsage, few), HasSubstr("lies between 0 and 1"));
  UseOptions none = options();
  none.tokens = 0;
  EXPECT_THAT(error(ExitCode::kUsage, none), HasSubstr("on 0 tokens"));
  model_.vocab += 1;
  EXPECT_THAT(error(ExitCode::kBadInput, options()), HasSubstr("has a vocabulary of"));
  model_.vocab -= 1;
  model_.context = 1'000'000;
  EXPECT_THAT(error(ExitCode::kBadInput, options()), HasSubstr("shorter than one window"));
}

}  // namespace
}  // namespace reprise
