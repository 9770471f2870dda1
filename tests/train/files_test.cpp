#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/temporary_folder.h"
#include "train/metrics.h"
#include "train/model_file.h"

namespace reprise {
namespace {
using nlohmann::json;
using testing::ElementsAre;

class MetricsTest : public testing::Test {
 protected:
  void write_steps(int64_t first, int64_t last) {
    MetricsFile metrics(path_, first);
    for (int64_t step = first; step <= last; ++step)
      metrics.append({{"step", step}, {"from", first}});
  }
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "metrics.jsonl";
};

TEST_F(MetricsTest, IsAnObjectALine) {
  write_steps(0, 1);
  EXPECT_EQ(read_file(path_), "{\"from\":0,\"step\":0}\n{\"from\":0,\"step\":1}\n");
}

TEST_F(MetricsTest, GoesOnBehindTheCheckpointWithoutRepeatingSteps) {
  write_steps(0, 3);
  write_steps(2, 2);
  EXPECT_EQ(read_file(path_),
            "{\"from\":0,\"step\":0}\n{\"from\":0,\"step\":1}\n{\"from\":2,\"step\":2}\n");
}

TEST_F(MetricsTest, ATornLastLineIsCutOff) {
  write_file(path_, "{\"step\":0}\n{\"ste");
  write_steps(1, 1);
  EXPECT_EQ(read_file(path_), "{\"step\":0}\n{\"from\":1,\"step\":1}\n");
}

TEST_F(MetricsTest, LinesWaitWhileTheDiskIsFullAndTrainingGoesOn) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  MetricsFile metrics(path_, 0);
  metrics.append({{"step", 0}});
  const rlimit small{16, limit.rlim_max};  // "{\"step\":0}\n" has 11 bytes: the next is torn
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_NO_THROW(metrics.append({{"step", 1}}));
  EXPECT_NO_THROW(metrics.append({{"step", 2}}));
  EXPECT_NO_THROW(metrics.sync());
  EXPECT_EQ(read_file(path_), "{\"step\":0}\n");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, handler);
  metrics.append({{"step", 3}});
  EXPECT_EQ(read_file(path_), "{\"step\":0}\n{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n");
}

TEST_F(MetricsTest, AStrangeFileIsRefused) {
  write_file(path_, "step 0\n");
  EXPECT_THROW(MetricsFile(path_, 1), Error);
}

class ModelFileTest : public testing::Test {
 protected:
  void write() const {
    const std::vector<float> values{1, 2, 3, 4};
    const std::vector<ArrayView> weights{ArrayView::of("embedding", {2, 2}, values)};
    ModelOptions options;
    options.width = 128;
    const json config = OptionSet("train", "").add("model", options).resolved();
    write_model(folder_.path(), weights, {{"config", config}, {"tokenizer_sha256", "abc"}});
  }
  TemporaryFolder folder_;
};

TEST_F(ModelFileTest, GivesBackOptionsAndWeights) {
  write();
  const ModelFile model(folder_.path());
  EXPECT_EQ(model.options().width, 128);
  EXPECT_EQ(model.options().family, Family::kRecurrent);
  EXPECT_EQ(model.tokenizer(), "abc");
  EXPECT_EQ(model.record()["config"]["model"]["width"], 128);
  ASSERT_EQ(model.arrays().size(), 1u);
  EXPECT_THAT(float_values(model.arrays()[0]), ElementsAre(1, 2, 3, 4));
}

TEST_F(ModelFileTest, AFolderWithoutARecordHoldsNoFinishedModel) {
  write();
  std::filesystem::remove(folder_ / "train.json");
  EXPECT_TRUE(read_model_record(folder_.path()).is_null());
  EXPECT_THROW(ModelFile(folder_.path()), Error);
}

TEST_F(ModelFileTest, DamageIsAnError) {
  write();
  std::string weights = read_file(folder_ / "model.safetensors");
  weights.back() ^= 1;
  write_file(folder_ / "model.safetensors", weights);
  EXPECT_THROW(ModelFile(folder_.path()), Error);
}

TEST_F(ModelFileTest, ARecordThatTrainDidNotWriteIsRefused) {
  write();
  const json whole = read_model_record(folder_.path());
  for (const auto& [key, value] : std::map<std::string, json>{{"format", 1},
                                                              {"model_sha256", 5},
                                                              {"tokenizer_sha256", nullptr},
                                                              {"identity", "text"},
                                                              {"corpus", 5},
                                                              {"layouts", 5},
                                                              {"config", json::array()}}) {
    json wrong = whole;
    wrong[key] = value;
    write_file(folder_ / "train.json", wrong.dump());
    EXPECT_THROW(read_model_record(folder_.path()), Error) << key;
  }
  write_file(folder_ / "train.json", "{}");
  EXPECT_THROW(read_model_record(folder_.path()), Error);
  EXPECT_EQ(fault_of_record(folder_.path()), "") << "of another program: refused, not removed";
}

TEST_F(ModelFileTest, ARecordThatWasCutOrChangedIsDamaged) {
  write();
  EXPECT_EQ(fault_of_record(folder_.path()), "");
  const std::string whole = read_file(folder_ / "train.json");
  json changed = json::parse(whole);
  changed["config"]["model"]["width"] = 64;
  for (const std::string& damaged : {std::string(), whole.substr(0, 100), changed.dump()}) {
    write_file(folder_ / "train.json", damaged);
    EXPECT_THAT(fault_of_record(folder_.path()), testing::HasSubstr("train.json: damaged"))
        << damaged;
  }
}

TEST_F(ModelFileTest, AModelThatCannotBeIsRefusedWithItsFile) {
  write_model(folder_.path(), {},
              {{"config", {{"model", {{"width", "x"}}}}}, {"tokenizer_sha256", "abc"}});
  try {
    const ModelFile model(folder_.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    EXPECT_THAT(error.what(), testing::HasSubstr("train.json: --model.width: 'x' is not"));
  }
}

}  // namespace
}  // namespace reprise
