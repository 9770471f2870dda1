// Stored passes: the same bits as live ones, whoever wrote them and whoever reads.
#include "train/gate/store.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <csignal>

#include "base/file.h"
#include "tests/data/samples.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_comm.h"
#include "tests/train/gate/planted.h"
#include "train/gate/trainer.h"

namespace reprise {
namespace {
using nlohmann::json;
using test::planted;
using testing::HasSubstr;
namespace fs = std::filesystem;

class GateStore : public testing::Test {
 protected:
  GateStore() : folder_(fs::path(broadcast_text(test_comm(), own_.path().string())) / "store") {
    at::set_num_threads(1);
  }
  ~GateStore() override { test_comm().barrier(); }

  void write(Communicator& comm, const SampleSource& samples) const {
    const StopRequest stop;
    EXPECT_TRUE(write_store(folder_, identity_, shape_, samples, comm, stop));
  }
  void write() const { write(test_comm(), planted(test::linear_gain)); }

  TemporaryFolder own_;
  fs::path folder_;
  StoreShape shape_{3, 5, test::kPlantedLength, test::kPlantedWidth};
  json identity_{{"model", {{"sha256", "one"}}}, {"gate", {{"seed", 1}}}};
};

void expect_same_bits(const GateSamples& a, const GateSamples& b) {
  for (const auto tensor :
       {&GateSamples::state_BTD, &GateSamples::signals_BTS, &GateSamples::first_BT,
        &GateSamples::second_BT, &GateSamples::best_BT, &GateSamples::wrong_BT})
    EXPECT_TRUE(at::equal(a.*tensor, b.*tensor));
  EXPECT_EQ(a.first_sequence, b.first_sequence);
}

TEST_F(GateStore, ReadsBackWhatWasWrittenByAnyNumberOfRanks) {
  const auto live = planted(test::linear_gain);
  write();
  EXPECT_TRUE(holds_store(folder_, identity_));
  const SampleSource stored = stored_samples(folder_, shape_, at::kCPU);
  for (int64_t batch = 0; batch < 3; ++batch)  // across the borders of the shards
    for (const auto& [first, count] : {std::pair<int64_t, int64_t>{0, 5}, {1, 3}, {4, 1}})
      expect_same_bits(stored(batch, first, count), live(batch, first, count));
}

TEST_F(GateStore, TrainingGivesTheBitsOfLivePasses) {
  write();
  GateOptions options;
  options.head = {.reads = GateReads::kBoth, .hidden = 8};
  options.objective.target = GateTarget::kRegression;
  options.steps = 8;
  options.batches = 3;
  options.sequences = 5;
  const auto weights = [&](const SampleSource& samples) {
    GateTrainer trainer(options, test::kPlantedWidth, test_comm());
    trainer.balance(samples);
    for (int64_t step = 0; step < options.steps; ++step)
      EXPECT_EQ(trainer.step(step, samples).fault, "");
    std::vector<at::Tensor> tensors;
    for (const auto& tensor : trainer.state().common) tensors.push_back(tensor.tensor.clone());
    return tensors;
  };
  const auto live = weights(planted(test::linear_gain)),
             stored = weights(stored_samples(folder_, shape_, at::kCPU));
  for (size_t i = 0; i < live.size(); ++i) EXPECT_TRUE(at::equal(live[i], stored[i])) << i;
}

TEST_F(GateStore, KeepsNoStateWhereNoneIsRead) {
  shape_.state = 0;
  write();
  const GateSamples samples = stored_samples(folder_, shape_, at::kCPU)(1, 0, 5);
  EXPECT_FALSE(samples.state_BTD.defined());
  EXPECT_TRUE(at::equal(samples.signals_BTS, planted(test::linear_gain)(1, 0, 5).signals_BTS));
}

TEST_F(GateStore, IsRefusedByARunOfAnotherModel) {
  write();
  json other = identity_;
  other["model"]["sha256"] = "two";
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { (void)holds_store(folder_, other); }),
              testing::AllOf(HasSubstr("model.sha256 is \"one\" there and \"two\" here"),
                             HasSubstr("use another gate.store")));
}

TEST_F(GateStore, WithoutARecordItIsNone) {
  EXPECT_FALSE(holds_store(folder_, identity_));
  write();
  test_comm().barrier();
  if (test_comm().rank() == 0) fs::remove(folder_ / "passes.json");
  test_comm().barrier();
  EXPECT_FALSE(holds_store(folder_, identity_));
}

TEST_F(GateStore, DamageIsAnErrorThatNamesTheFile) {
  const auto self = make_self_communicator();
  if (test_comm().rank() != 0) return;
  write(*self, planted(test::linear_gain));
  const fs::path shard = folder_ / "passes_00000_of_00001.h5", record = folder_ / "passes.json";
  const std::string good = read_file(shard), good_record = read_file(record);
  const auto reading = [&] {
    const SampleSource samples = stored_samples(folder_, shape_, at::kCPU);
    for (int64_t batch = 0; batch < 3; ++batch) (void)samples(batch, 0, 5);
  };
  reading();
  write_file(shard, good.substr(0, good.size() / 2));
  EXPECT_THAT(error_of(ExitCode::kBadInput, reading), HasSubstr("passes_00000_of_00001.h5"));
  std::string flipped = good;
  for (size_t i = good.size() / 2; i < good.size() / 2 + 64; ++i) flipped[i] = '\x5a';
  write_file(shard, flipped);
  EXPECT_THAT(error_of(ExitCode::kBadInput, reading), HasSubstr("passes_00000_of_00001.h5"));
  fs::remove(shard);
  EXPECT_THAT(error_of(ExitCode::kBadInput, reading), HasSubstr("no such file"));
  write_file(shard, good);
  write_file(record, good_record.substr(0, 40));
  EXPECT_THAT(error_of(ExitCode::kBadInput, reading), HasSubstr("passes.json"));
}

TEST_F(GateStore, AShardOfAnotherStoreIsRefused) {
  const auto self = make_self_communicator();
  if (test_comm().rank() != 0) return;
  write(*self, planted(test::linear_gain));
  const fs::path shard = folder_ / "passes_00000_of_00001.h5";
  const std::string first = read_file(shard);
  identity_["gate"]["seed"] = 2;
  write(*self, planted(test::linear_gain));
  write_file(shard, first);
  EXPECT_THAT(
      error_of(ExitCode::kBadInput, [&] { (void)stored_samples(folder_, shape_, at::kCPU); }),
      HasSubstr("of another store"));
}

TEST_F(GateStore, ASignalLeavesNothing) {
  const auto source = planted(test::linear_gain);
  const StopRequest stop;
  const SampleSource stopping = [&](int64_t batch, int64_t first, int64_t count) {
    if (batch == 1 && first == 0) std::raise(SIGUSR1);
    return source(batch, first, count);
  };
  EXPECT_FALSE(write_store(folder_, identity_, shape_, stopping, test_comm(), stop));
  test_comm().barrier();
  EXPECT_TRUE(fs::is_empty(folder_));
  test_comm().barrier();
}

}  // namespace
}  // namespace reprise
