// Training on another device than the host: the pretend one (tests/support/pretend_device.h).
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "tests/support/pretend_device.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_comm.h"
#include "tests/train/synthetic_text.h"
#include "train/checkpoint.h"
#include "train/tensor_file.h"
#include "train/trainer.h"

namespace reprise {
namespace {

StepReport step(Trainer& trainer, int64_t step) {
  return trainer.step(step, test::counting_batches(test::small_model()));
}

TEST(PretendDevice, RefusesATensorOfTheHost) {
  const at::Tensor here = at::ones({2}, at::TensorOptions(test::pretend_device()));
  EXPECT_EQ((here + here).sum().item<double>(), 4);
  EXPECT_EQ((here + here).cpu()[1].item<double>(), 2);
  EXPECT_THROW(here.add(at::ones({2})), c10::Error);  // libtorch's own check
  EXPECT_THAT([&] { here.dot(at::ones({2})); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("mixes a tensor of the host")));
}

TEST(DeviceTraining, InitialWeightsAreTheSameBits) {
  const ModelOptions model = test::small_model();
  const Parameters here(model, 3, test::pretend_device()), host(model, 3);
  for (size_t i = 0; i < host.list().size(); ++i)
    EXPECT_TRUE(at::equal(here.list()[i].tensor.detach().cpu(), host.list()[i].tensor.detach()));
}

// The host's own kernels sum in another order than libtorch's: some times 2^-24 a step, which
// Newton-Schulz iterations amplify.
TEST(DeviceTraining, LossesFollowTheHostsForEveryObjectiveAndOptimiser) {
  at::set_num_threads(1);
  for (const auto kind : {ObjectiveKind::kFinalOnly, ObjectiveKind::kDeepSupervision,
                          ObjectiveKind::kGatedRefinement})
    for (const auto matrices : {MatrixOptimiser::kMuon, MatrixOptimiser::kAdamW}) {
      SCOPED_TRACE(concat(enum_name(kind), ", ", enum_name(matrices)));
      TrainOptions options = test::small_training();
      options.objective.kind = kind;
      options.optimiser.matrices = matrices;
      options.micro_sequences = 2;
      if (matrices == MatrixOptimiser::kAdamW) options.optimiser.matrix_rate = 0.004;
      Trainer device(test::small_model(), options, test_comm(), test::pretend_device());
      Trainer host(test::small_model(), options, test_comm());
      for (int64_t s = 0; s < 6; ++s) {
        const StepReport ours = step(device, s), expected = step(host, s);
        EXPECT_EQ(ours.fault, "");
        EXPECT_NEAR(ours.loss, expected.loss, 1e-4) << "step " << s;
        EXPECT_NEAR(ours.gradient_norm, expected.gradient_norm, 1e-3 * expected.gradient_norm);
        for (size_t i = 0; i < ours.parts.size(); ++i)
          EXPECT_NEAR(ours.parts[i].second, expected.parts[i].second, 1e-4) << "part " << i;
      }
    }
}

TEST(DeviceTraining, AResumedRunGivesTheSameBits) {
  const TemporaryFolder own;
  TrainOptions options = test::small_training();
  options.optimiser.shard = true;
  options.optimiser.ema = 0.9;
  options.optimiser.clip_norm = 0.5;
  Communicator& comm = test_comm();
  CheckpointFolder folder(broadcast_text(comm, (own / "checkpoint").string()), comm);
  Trainer untouched(test::small_model(), options, comm, test::pretend_device());
  for (int64_t s = 0; s < 3; ++s) step(untouched, s);
  CheckpointRecord record;
  record.step = 3;
  ASSERT_TRUE(folder.save(record, untouched.state()));
  Trainer resumed(test::small_model(), options, comm, test::pretend_device());
  folder.restore(*folder.newest(), resumed.state());
  for (int64_t s = 3; s < 6; ++s) EXPECT_EQ(step(resumed, s).loss, step(untouched, s).loss);
  comm.barrier();  // nobody removes its folder while another reads
}

TEST(DeviceTraining, ArraysForFilesAreOnTheHost) {
  const at::Tensor here = at::full({3}, 2.5, at::TensorOptions(test::pretend_device()));
  const HostArrays arrays(std::vector<NamedTensor>{{"x", here}});
  ASSERT_EQ(arrays.views()[0].bytes.size(), 12u);
  float value = 0;
  std::memcpy(&value, arrays.views()[0].bytes.data() + 8, sizeof value);
  EXPECT_EQ(value, 2.5f);
}

}  // namespace
}  // namespace reprise
