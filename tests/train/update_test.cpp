// What happens between the reduced gradient and the new weights, and to these: clipping, gradients
// that are not finite, the average, ranks that share the state out.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/support/test_comm.h"
#include "tests/train/synthetic_text.h"
#include "train/trainer.h"

namespace reprise {
namespace {

struct Outcome {
  std::vector<double> norms;
  std::vector<at::Tensor> weights;
};

Outcome run(const TrainOptions& options, Communicator& comm, int64_t steps = 6, int threads = 1) {
  at::set_num_threads(threads);
  Trainer trainer(test::small_model(), options, comm);
  const auto batches = test::counting_batches(test::small_model());
  Outcome outcome;
  for (int64_t step = 0; step < steps; ++step) {
    const StepReport report = trainer.step(step, batches);
    EXPECT_EQ(report.fault, "");
    outcome.norms.push_back(report.gradient_norm);
  }
  trainer.finish();
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

void expect_same_bits(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.norms, b.norms);
  for (size_t i = 0; i < a.weights.size(); ++i)
    EXPECT_TRUE(at::equal(a.weights[i], b.weights[i])) << "parameter " << i;
}

TEST(ShardedOptimiser, GivesTheBitsOfTheUnsharded) {
  for (const auto matrices : {MatrixOptimiser::kMuon, MatrixOptimiser::kAdamW})
    for (const auto precision : {Precision::kFp32, Precision::kBf16})
      for (const int threads : {1, 2}) {
        SCOPED_TRACE(concat(enum_name(matrices), ", ", enum_name(precision), ", ", threads));
        TrainOptions whole = test::small_training();
        whole.precision = precision;
        whole.optimiser.matrices = matrices;
        whole.optimiser.weight_decay = 0.1;
        whole.optimiser.clip_norm = 0.5;
        whole.optimiser.ema = 0.9;
        TrainOptions sharded = whole;
        sharded.optimiser.shard = true;
        expect_same_bits(run(sharded, test_comm(), 6, threads),
                         run(whole, test_comm(), 6, threads));
      }
}

int64_t elements_of(const std::vector<NamedTensor>& tensors) {
  int64_t elements = 0;
  for (const auto& entry : tensors) elements += entry.tensor.numel();
  return elements;
}

TEST(ShardedOptimiser, EachRankKeepsItsShareOfTheStateAndNoMore) {
  Communicator& comm = test_comm();
  TrainOptions options = test::small_training();
  options.optimiser.ema = 0.9;
  const Trainer whole(test::small_model(), options, comm);
  options.optimiser.shard = true;
  const Trainer sharded(test::small_model(), options, comm);
  const int64_t weights = whole.parameters().count();
  const int64_t all = elements_of(whole.state().common) - weights;
  ASSERT_GE(all, 2 * weights);
  const StateShare share = sharded.state();
  EXPECT_EQ(elements_of(share.common), weights);
  const int64_t mine = elements_of(share.mine);
  EXPECT_EQ(sum_over_ranks(comm, mine), all) << "each lies on one rank";
  int64_t largest_unit = 0;  // a batch of all matrices of one shape
  std::map<std::vector<int64_t>, int64_t> of_shape;
  for (const auto& parameter : whole.parameters().list()) {
    const auto states = std::ssize(state_names(options.optimiser, parameter));
    int64_t& unit = of_shape[parameter.tensor.sizes().vec()];
    largest_unit = std::max(largest_unit, unit += states * parameter.tensor.numel());
  }
  EXPECT_LE(mine, all / comm.size() + largest_unit);
  if (comm.size() > 1) {
    EXPECT_LT(mine, all);
  }
  const auto names = share.mine.size() + share.elsewhere.size();
  EXPECT_EQ(names + share.common.size(), whole.state().common.size());
}

TEST(Update, WithMatricesUnderAdamWItLearnsToo) {
  TrainOptions options = test::small_training();
  options.steps = 60;
  options.optimiser.matrices = MatrixOptimiser::kAdamW;
  options.optimiser.matrix_rate = 0.004;
  Trainer trainer(test::small_model(), options, test_comm());
  const auto batches = test::counting_batches(test::small_model());
  double loss = 0;
  for (int64_t step = 0; step < options.steps; ++step) loss = trainer.step(step, batches).loss;
  EXPECT_LT(loss, 2.0);  // from log 32 = 3.5
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
