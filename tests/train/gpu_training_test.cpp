// Training on GPUs against training on the host: one GPU a rank, skipped where there are fewer.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "base/comm/device.h"
#include "models/device.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_comm.h"
#include "tests/train/synthetic_text.h"
#include "train/checkpoint.h"
#include "train/compute.h"
#include "train/trainer.h"

namespace reprise {
namespace {

class GpuTraining : public testing::Test {
 protected:
  void SetUp() override {
    if (any_rank(comm_, std::ssize(find_gpus().names) < comm_.size()))
      GTEST_SKIP() << "needs a GPU for every rank; this machine has fewer";
    options_ = test::small_training();
    options_.device = DeviceChoice::kCuda;
    device_ = tensor_device(
        configure_compute(
            {options_.device, "train.device", options_.threads, options_.deterministic}, comm_)
            .device);
  }

  Trainer trainer_on(at::Device device) { return {test::small_model(), options_, comm_, device}; }
  StepReport step(Trainer& trainer, int64_t step) {
    return trainer.step(step, test::counting_batches(test::small_model()));
  }

  Communicator& comm_ = test_comm();
  TrainOptions options_;
  at::Device device_ = at::kCPU;
};

TEST_F(GpuTraining, InitialWeightsAreTheSameBits) {
  const Trainer gpu = trainer_on(device_), host = trainer_on(at::kCPU);
  for (size_t i = 0; i < host.parameters().list().size(); ++i) {
    const at::Tensor& weight = gpu.parameters().list()[i].tensor;
    EXPECT_EQ(weight.device(), device_);
    EXPECT_TRUE(at::equal(weight.detach().cpu(), host.parameters().list()[i].tensor.detach()));
  }
}

// Sums are taken in another order: some times 2^-24 a step, which Newton-Schulz iterations amplify.
TEST_F(GpuTraining, LossesFollowTheHostsForEveryObjective) {
  for (const auto kind : {ObjectiveKind::kFinalOnly, ObjectiveKind::kDeepSupervision,
                          ObjectiveKind::kGatedRefinement}) {
    SCOPED_TRACE(enum_name(kind));
    options_.objective.kind = kind;
    Trainer gpu = trainer_on(device_), host = trainer_on(at::kCPU);
    for (int64_t s = 0; s < 6; ++s) {
      const StepReport ours = step(gpu, s), expected = step(host, s);
      EXPECT_EQ(ours.fault, "");
      EXPECT_NEAR(ours.loss, expected.loss, 1e-4) << "step " << s;
      EXPECT_NEAR(ours.gradient_norm, expected.gradient_norm, 1e-3 * expected.gradient_norm);
    }
  }
}

TEST_F(GpuTraining, InHalfPrecisionItLearns) {
  options_.precision = Precision::kBf16;
  options_.steps = 60;
  Trainer gpu = trainer_on(device_);
  StepReport last;
  for (int64_t s = 0; s < 60; ++s) last = step(gpu, s);
  EXPECT_LT(last.loss, 1.5);  // two equally likely continuations: at best log 2
}

TEST_F(GpuTraining, GivesTheSameBitsEachTime) {
  Trainer first = trainer_on(device_), second = trainer_on(device_);
  for (int64_t s = 0; s < 6; ++s) EXPECT_EQ(step(first, s).loss, step(second, s).loss);
}

TEST_F(GpuTraining, WithShardedStateItGivesTheSameBits) {
  Trainer whole = trainer_on(device_);
  options_.optimiser.shard = true;
  Trainer sharded = trainer_on(device_);
  for (int64_t s = 0; s < 6; ++s) EXPECT_EQ(step(sharded, s).loss, step(whole, s).loss);
  for (size_t i = 0; i < whole.parameters().list().size(); ++i)
    EXPECT_TRUE(
        at::equal(sharded.parameters().list()[i].tensor, whole.parameters().list()[i].tensor));
}

TEST_F(GpuTraining, AResumedRunGivesTheSameBits) {
  const TemporaryFolder own;
  CheckpointFolder folder(broadcast_text(comm_, (own / "checkpoint").string()), comm_);
  Trainer untouched = trainer_on(device_), resumed = trainer_on(device_);
  for (int64_t s = 0; s < 3; ++s) step(untouched, s);
  CheckpointRecord record;
  record.step = 3;
  ASSERT_TRUE(folder.save(record, untouched.state()));
  folder.restore(*folder.newest(), resumed.state());
  for (int64_t s = 3; s < 6; ++s) EXPECT_EQ(step(resumed, s).loss, step(untouched, s).loss);
  comm_.barrier();  // nobody removes its folder while another reads
}

/// Sums over ranks of whole numbers, which are exact whatever the order.
TEST_F(GpuTraining, NcclSumsBucketsAsMpiDoes) {
  const auto transport = make_gpu_transport(device_.index(), comm_);
  const at::Tensor host = at::arange(100000, at::kFloat) + comm_.rank();
  at::Tensor bucket = host.to(device_), summed = host.clone();
  transport->send(Buffer::of(bucket.data_ptr<float>(), bucket.numel()));
  transport->join();
  const at::Tensor read_behind_join = bucket + 0;
  transport->await();
  comm_.all_reduce(Buffer::of(summed.data_ptr<float>(), summed.numel()), Reduction::kSum);
  EXPECT_TRUE(at::equal(bucket.cpu(), summed));
  EXPECT_TRUE(at::equal(read_behind_join.cpu(), summed));
}

TEST_F(GpuTraining, TheSparsePassEqualsTheMaskedDenseOne) {
  const at::NoGradGuard no_grad;
  const ModelOptions model = test::small_model();
  const Trainer trainer = trainer_on(device_);
  for (const Parameter& parameter : trainer.parameters().list())
    at::Tensor(parameter.tensor).add_(0.05);  // layers start as the identity
  const Network network(model, trainer.parameters(), at::kFloat);
  const TokenBatch text = test::counting_batches(model)(0, 0, 3);
  const at::Tensor tokens_BT =
      at::tensor(text.inputs, at::kLong).view({text.sequences, text.length});
  const BasePasses base = network.base_passes(tokens_BT, {.keys = true});
  const at::Tensor rows_M = at::tensor({1, 5, 6, 40}, at::kLong);
  const at::Tensor mask_BT =
      at::zeros({tokens_BT.numel()}, at::kBool).index_fill_(0, rows_M, true).view_as(tokens_BT);
  const at::Tensor sparse_MD = network.refine_rows(base, rows_M);
  const at::Tensor dense_MD = network.refine_masked(base, mask_BT)
                                  .features_BTD.flatten(0, 1)
                                  .index_select(0, rows_M.to(device_));
  EXPECT_LT((sparse_MD - dense_MD).abs().max().item<double>(), 1e-4);
}

}  // namespace
}  // namespace reprise
