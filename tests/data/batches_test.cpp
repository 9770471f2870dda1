#include "data/batches.h"

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "data/build.h"
#include "tests/data/samples.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {
using testing::HasSubstr;

class BatchTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    write_samples(*folder_ / "source", 60);
    auto options = small_options(*folder_ / "source", *folder_ / "corpus");
    options.shard_tokens = 500;
    build_corpus(options, {});
    corpus_ = new Corpus(*folder_ / "corpus");
  }
  static void TearDownTestSuite() {
    delete corpus_;
    delete folder_;
  }
  static TemporaryFolder* folder_;
  static Corpus* corpus_;
};
TemporaryFolder* BatchTest::folder_;
Corpus* BatchTest::corpus_;

TEST_F(BatchTest, EveryWindowComesOnceInAnEpoch) {
  constexpr int64_t kContext = 32, kSequences = 5;
  const int64_t windows = (corpus_->tokens(Split::kTrain) - 1) / kContext;
  ASSERT_NE(windows % kSequences, 0) << "the epoch should end inside a batch";
  const BatchSampler sampler(*corpus_, Split::kTrain, kContext, kSequences, 7);
  std::map<std::vector<int64_t>, int64_t> expected;
  for (int64_t window = 0; window < windows; ++window) {
    std::vector<Token> tokens(kContext);
    corpus_->read(Split::kTrain, window * kContext, tokens);
    expected[{tokens.begin(), tokens.end()}] += 2;  // two epochs
  }
  for (int64_t drawn = 0; drawn < 2 * windows; ++drawn) {
    const auto batch = sampler.sequences(drawn / kSequences, drawn % kSequences, 1);
    --expected[batch.inputs];
    if (drawn + 1 != windows) continue;
    for (const auto& [_, left] : expected) EXPECT_GE(left, 1) << "twice in the first epoch";
  }
  for (const auto& [_, left] : expected) EXPECT_EQ(left, 0);
}

TEST_F(BatchTest, TargetsAreTheInputsOneLater) {
  const BatchSampler sampler(*corpus_, Split::kTrain, 16, 4, 7);
  const auto batch = sampler.sequences(3, 0, 4);
  ASSERT_EQ(batch.sequences, 4);
  ASSERT_EQ(batch.length, 16);
  ASSERT_EQ(batch.inputs.size(), 64u);
  for (size_t row = 0; row < 4; ++row)
    for (size_t i = row * 16; i < row * 16 + 15; ++i)
      EXPECT_EQ(batch.targets[i], batch.inputs[i + 1]);
}

TEST_F(BatchTest, ABatchIsTheSameInAnyParts) {
  const BatchSampler sampler(*corpus_, Split::kTrain, 16, 8, 7);
  const auto whole = sampler.sequences(11, 0, 8);
  for (const int64_t ranks : {2, 4, 8}) {
    TokenBatch joined;
    for (int64_t rank = 0; rank < ranks; ++rank) {
      const auto part = sampler.sequences(11, rank * 8 / ranks, 8 / ranks);
      joined.inputs.insert(joined.inputs.end(), part.inputs.begin(), part.inputs.end());
      joined.targets.insert(joined.targets.end(), part.targets.begin(), part.targets.end());
    }
    EXPECT_EQ(joined.inputs, whole.inputs);
    EXPECT_EQ(joined.targets, whole.targets);
  }
}

TEST_F(BatchTest, SeedStepAndEpochChangeTheOrder) {
  const auto inputs = [&](uint64_t seed, int64_t step) {
    return BatchSampler(*corpus_, Split::kTrain, 16, 8, seed).sequences(step, 0, 8).inputs;
  };
  EXPECT_EQ(inputs(1, 0), inputs(1, 0));
  EXPECT_NE(inputs(1, 0), inputs(2, 0));
  EXPECT_NE(inputs(1, 0), inputs(1, 1));
  const int64_t windows = (corpus_->tokens(Split::kTrain) - 1) / 16;
  const BatchSampler single(*corpus_, Split::kTrain, 16, 1, 1);
  std::vector<int64_t> first, second;
  for (int64_t step = 0; step < 10; ++step) {
    first.push_back(single.sequences(step, 0, 1).inputs[5]);
    second.push_back(single.sequences(step + windows, 0, 1).inputs[5]);
  }
  EXPECT_NE(first, second);
}

TEST_F(BatchTest, ASplitShorterThanABatchIsRefused) {
  EXPECT_THAT(
      error_of(ExitCode::kBadInput, [&] { BatchSampler(*corpus_, Split::kValid, 1024, 1000, 1); }),
      HasSubstr("shorter than one batch of 1000 sequences of 1024"));
}

}  // namespace
}  // namespace reprise
