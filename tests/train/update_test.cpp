// What happens between the reduced gradient and the new weights, and to these: clipping, gradients
// that are not finite, the average.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/test_comm.h"
#include "tests/train/synthetic_text.h"
#include "train/trainer.h"

namespace reprise {
namespace {

struct Outcome {
  std::vector<double> norms;
  std::vector<at::Tensor> weights;
};

Outcome run(const TrainOptions& options, Communicator& comm, int64_t steps = 6) {
  at::set_num_threads(1);
  Trainer trainer(test::small_model(), options, comm);
  const auto batches = test::counting_batches(test::small_model());
  Outcome outcome;
  for (int64_t step = 0; step < steps; ++step) {
    const StepReport report = trainer.step(step, batches);
    EXPECT_EQ(report.fault, "");
    outcome.norms.push_back(report.gradient_norm);
  }
  for (const auto& parameter : trainer.parameters().list())
    outcome.weights.push_back(parameter.tensor.detach());
  return outcome;
}

at::Tensor reduced_gradients(const Trainer& trainer) {
  std::vector<at::Tensor> all;
  for (const auto& parameter : trainer.parameters().list())
    all.push_back(parameter.tensor.grad().flatten().to(at::kDouble));
  return at::cat(all);
}

// The updates themselves hardly show a clip: Muon and AdamW make little of a gradient's length.
TEST(Update, ClipsTheSumOverRanksAndReportsItsNormBeforeThat) {
  TrainOptions options = test::small_training(), clipped = options;
  const auto batches = test::counting_batches(test::small_model());
  Trainer free(test::small_model(), options, test_comm());
  const double norm = free.step(0, batches).gradient_norm;
  ASSERT_GT(norm, 0.1);
  clipped.optimiser.clip_norm = norm / 4;
  Trainer bound(test::small_model(), clipped, test_comm());
  EXPECT_EQ(bound.step(0, batches).gradient_norm, norm);
  EXPECT_NEAR(reduced_gradients(bound).norm().item<double>(), norm / 4, 1e-5 * norm);
  EXPECT_TRUE(at::allclose(reduced_gradients(bound) * 4, reduced_gradients(free), 1e-4, 1e-9));

  clipped.optimiser.clip_norm = 4 * norm;
  Trainer loose(test::small_model(), clipped, test_comm());
  loose.step(0, batches);
  EXPECT_TRUE(at::equal(reduced_gradients(loose), reduced_gradients(free)));
}

// AdamW without a memory of squares moves by gradient / (|gradient| + epsilon): with a large
// epsilon by the clipped gradient itself, so that a clip that were another on one rank would show.
TEST(Update, ClippingDoesNotDependOnTheNumberOfRanks) {
  TrainOptions options = test::small_training();
  options.optimiser.matrices = MatrixOptimiser::kAdamW;
  options.optimiser.beta2 = 0;
  options.optimiser.epsilon = 1;
  options.optimiser.matrix_rate = 1;
  options.optimiser.clip_norm = 0.1;
  const Outcome together = run(options, test_comm()),
                alone = run(options, *make_self_communicator());
  for (size_t step = 0; step < alone.norms.size(); ++step) {
    const double norm = together.norms[step];
    EXPECT_NEAR(norm, alone.norms[step], 1e-4 * norm);
    double of_rank_0 = norm;
    test_comm().broadcast(Buffer::of(&of_rank_0, 1), 0);
    EXPECT_EQ(norm, of_rank_0) << "step " << step;
  }
  for (size_t i = 0; i < alone.weights.size(); ++i)
    EXPECT_TRUE(at::allclose(together.weights[i], alone.weights[i], 0, 1e-4)) << "parameter " << i;
}

// fp32 against fp64, over a few steps.
TEST(Update, TheAverageIsThatOfTheWeightsBehindEachStep) {
  TrainOptions options = test::small_training();
  options.optimiser.ema = 0.8;
  Trainer trainer(test::small_model(), options, test_comm());
  const auto batches = test::counting_batches(test::small_model());
  const auto weights = [&] {
    std::vector<at::Tensor> all;
    for (const auto& parameter : trainer.parameters().list())
      all.push_back(parameter.tensor.detach().flatten().to(at::kDouble));
    return at::cat(all);
  };
  at::Tensor sum = at::zeros_like(weights());
  for (int64_t step = 0; step < 5; ++step) {
    ASSERT_EQ(trainer.step(step, batches).fault, "");
    sum = sum * 0.8 + weights() * 0.2;
  }
  const at::Tensor last = weights(), expected = sum / (1 - std::pow(0.8, 5));
  ASSERT_GT((last - expected).abs().max().item<double>(), 1e-3);
  trainer.finish();
  EXPECT_LT((weights() - expected).abs().max().item<double>(), 1e-6);
}

TEST(Update, AGradientThatIsNotFiniteChangesNoWeightAndNamesTheRank) {
  Communicator& comm = test_comm();
  Trainer trainer(test::small_model(), test::small_training(), comm);
  const auto batches = test::counting_batches(test::small_model());
  const bool is_victim = comm.rank() == comm.size() - 1;
  const at::Tensor weight = trainer.parameters()["layer.0.mlp.down"];
  weight.register_hook(
      [&](const at::Tensor& gradient) { return is_victim ? gradient / 0.0 : gradient; });
  const at::Tensor before = weight.detach().clone();
  const StepReport report = trainer.step(0, batches);
  EXPECT_EQ(report.fault, concat("a gradient on rank ", comm.size() - 1));
  EXPECT_TRUE(std::isfinite(report.loss));
  EXPECT_TRUE(at::equal(weight.detach(), before));
}

TEST(Update, FiniteGradientsWhoseSumIsNotAreCalledThat) {
  Communicator& comm = test_comm();
  if (comm.size() == 1) return;  // one rank's sum is its own
  Trainer trainer(test::small_model(), test::small_training(), comm);
  trainer.parameters()["layer.0.mlp.down"].register_hook(
      [](const at::Tensor& gradient) { return at::full_like(gradient, 3e38); });
  EXPECT_EQ(trainer.step(0, test::counting_batches(test::small_model())).fault,
            "the sum of the ranks' gradients");
}

}  // namespace
}  // namespace reprise
