#include "train/trainer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "tests/support/test_comm.h"
#include "tests/train/scripted_communicator.h"
#include "tests/train/synthetic_text.h"

namespace reprise {
namespace {

struct Outcome {
  std::vector<StepReport> reports;
  std::vector<at::Tensor> weights;
};

Outcome run(const TrainOptions& options, Communicator& comm, int64_t steps,
            const BatchSource& batches, const ModelOptions& model = test::small_model()) {
  at::set_num_threads(1);
  Trainer trainer(model, options, comm);
  Outcome outcome;
  for (int64_t step = 0; step < steps; ++step)
    outcome.reports.push_back(trainer.step(step, batches));
  for (const auto& parameter : trainer.parameters().list())
    outcome.weights.push_back(parameter.tensor.detach());
  return outcome;
}

Outcome run(const TrainOptions& options, Communicator& comm, int64_t steps = 6) {
  return run(options, comm, steps, test::counting_batches(test::small_model()));
}

Outcome run_alone(const TrainOptions& options, int64_t steps = 6) {
  return run(options, *make_self_communicator(), steps);
}

// The ranks sum the same gradients in another order: 2^-24 relative a rounding, which Newton-Schulz
// iterations and six steps amplify to some 1e-5 of the loss and, for weights that move by 0.02 a
// step, some 1e-4.
void expect_alike(const Outcome& a, const Outcome& b, double loss_tolerance = 2e-5,
                  double weight_tolerance = 1e-3) {
  ASSERT_EQ(a.reports.size(), b.reports.size());
  for (size_t step = 0; step < a.reports.size(); ++step) {
    EXPECT_NEAR(a.reports[step].loss, b.reports[step].loss, loss_tolerance) << "step " << step;
    // The optimisers forgive a wrong scale of the gradient; the norm does not.
    EXPECT_NEAR(a.reports[step].gradient_norm / b.reports[step].gradient_norm, 1,
                100 * loss_tolerance)
        << "step " << step;
    for (size_t i = 0; i < a.reports[step].parts.size(); ++i)
      EXPECT_NEAR(a.reports[step].parts[i].second, b.reports[step].parts[i].second, loss_tolerance)
          << "part " << i;
    for (size_t i = 0; i < a.reports[step].measures.size(); ++i)
      EXPECT_NEAR(a.reports[step].measures[i].second, b.reports[step].measures[i].second,
                  loss_tolerance)
          << a.reports[step].measures[i].first;
  }
  for (size_t i = 0; i < a.weights.size(); ++i)
    EXPECT_LT((a.weights[i] - b.weights[i]).abs().max().item<double>(), weight_tolerance)
        << "parameter " << i;
}

TEST(Trainer, LearnsOnAnyNumberOfRanks) {
  TrainOptions options = test::small_training();
  options.steps = 60;
  const Outcome outcome = run(options, test_comm(), 60);
  EXPECT_NEAR(outcome.reports.front().loss, std::log(32.0), 0.3);
  EXPECT_LT(outcome.reports.back().loss, 1.5);  // two equally likely continuations: at best log 2
}

TEST(Trainer, LossesAndWeightsDoNotDependOnTheNumberOfRanks) {
  for (const auto kind : {ObjectiveKind::kFinalOnly, ObjectiveKind::kDeepSupervision,
                          ObjectiveKind::kGatedRefinement}) {
    SCOPED_TRACE(enum_name(kind));
    TrainOptions options = test::small_training();
    options.objective.kind = kind;
    expect_alike(run(options, test_comm()), run_alone(options));
  }
}

ModelOptions three_passes() {
  ModelOptions model = test::small_model();
  model.width = 24, model.heads = 2, model.kv_heads = 1;  // its MLPs are packed as codes
  model.passes = 3;
  return model;
}

struct Composition {
  std::string name;
  ObjectiveOptions objective;
  ModelOptions model;
};

/// Every way to compose an objective once, in a model of three passes.
std::vector<Composition> compositions() {
  ObjectiveOptions drawn, study, terms, hard, shuffled, quantised;
  drawn.depth = {.draw = DepthDraw::kPoissonLognormal, .graph_passes = 2};
  drawn.kind = ObjectiveKind::kDeepSupervision;
  study.kind = ObjectiveKind::kGatedRefinement;
  study.depth.delay_share = 0.25;
  study.weights = {.noise = WeightNoise::kUniform, .noisy = NoisyWeights::kAll};
  terms.terms = {.monotone = 1,
                 .shortcut_pass = 2,
                 .shortcut_loss = 0.1,
                 .shortcut_state = 0.1,
                 .shortcut_kl = 0.1,
                 .norm_change = 0.1};
  hard.tokens = TokenWeighting::kHard;
  shuffled.tokens = TokenWeighting::kShuffled;
  quantised.weights = {.noise = WeightNoise::kFakeQuantise, .code_entropy = 0.01};
  const ModelOptions plain = three_passes();
  ModelOptions summed = plain, mixture = plain, exit = plain;
  summed.readout = Readout::kSum;
  mixture.halting = Halting::kMixture;
  exit.halting = Halting::kExit;
  ObjectiveOptions act{.kind = ObjectiveKind::kAct}, pondernet{.kind = ObjectiveKind::kPonderNet},
      ouro{.kind = ObjectiveKind::kOuro};
  pondernet.terms.monotone = 0.1;
  ouro.tokens = TokenWeighting::kHard;
  return {{"drawn", drawn, plain},
          {"study", study, plain},
          {"terms", terms, plain},
          {"hard", hard, plain},
          {"shuffled", shuffled, plain},
          {"quantised", quantised, plain},
          {"summed_drawn", drawn, summed},
          {"summed_study", study, summed},
          {"act", act, mixture},
          {"pondernet", pondernet, exit},
          {"ouro", ouro, exit}};
}

TEST(Trainer, NorDoThoseOfComposedObjectives) {
  for (const auto& [name, objective, model] : compositions()) {
    const auto batches = test::counting_batches(model);
    SCOPED_TRACE(name);
    TrainOptions options = test::small_training();
    options.objective = objective;
    // A weight that differs in its last bit may round to another code; such jumps add up.
    const int64_t steps = name == "quantised" ? 2 : 6;
    const Outcome together = run(options, test_comm(), steps, batches, model);
    expect_alike(together, run(options, *make_self_communicator(), steps, batches, model));
    TrainOptions parts = options;
    parts.micro_sequences = 1;
    expect_alike(run(parts, test_comm(), steps, batches, model), together);
    for (size_t i = 0; i < together.reports.size(); ++i) EXPECT_EQ(together.reports[i].fault, "");
  }
}

// What a checkpoint holds is all that the next step depends on, in the midst of every schedule.
TEST(Trainer, GoesOnFromItsStateToTheSameBitsInMidSchedule) {
  for (const auto& [name, objective, model] : compositions()) {
    const auto batches = test::counting_batches(model);
    SCOPED_TRACE(name);
    TrainOptions options = test::small_training();
    options.objective = objective;
    Trainer whole(model, options, test_comm()), first(model, options, test_comm()),
        second(model, options, test_comm());
    for (int64_t step = 0; step < 8; ++step) whole.step(step, batches);
    for (int64_t step = 0; step < 4; ++step) first.step(step, batches);
    const auto saved = first.state().common, restored = second.state().common;
    for (size_t i = 0; i < saved.size(); ++i) restored[i].tensor.copy_(saved[i].tensor);
    for (int64_t step = 4; step < 8; ++step) second.step(step, batches);
    const auto expected = whole.state().common, ours = second.state().common;
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_TRUE(at::equal(ours[i].tensor, expected[i].tensor)) << expected[i].name;
  }
}

TEST(Trainer, NorDoThoseOfTheStaticFamily) {
  ModelOptions model = test::small_model();
  model.family = Family::kStatic;
  model.passes = 1;
  model.skips = true;
  model.tied = false;
  const auto batches = test::counting_batches(model);
  const TrainOptions options = test::small_training();
  const Outcome together = run(options, test_comm(), 6, batches, model);
  expect_alike(together, run(options, *make_self_communicator(), 6, batches, model));
  EXPECT_LT(together.reports.back().loss, together.reports.front().loss);
}

TEST(Trainer, AdamWOnMatricesDoesNotDependOnTheNumberOfRanks) {
  TrainOptions options = test::small_training();
  options.optimiser.matrices = MatrixOptimiser::kAdamW;
  options.optimiser.matrix_rate = 0.004;
  expect_alike(run(options, test_comm()), run_alone(options));
}

TEST(Trainer, WorksWithFewerSequencesThanRanks) {
  TrainOptions options = test::small_training();
  options.sequences = 3;
  expect_alike(run(options, test_comm()), run_alone(options));
}

TEST(Trainer, MicroBatchesChangeOnlyRoundings) {
  TrainOptions whole = test::small_training(), parts = whole;
  parts.micro_sequences = 1;
  expect_alike(run(parts, test_comm()), run(whole, test_comm()));
}

TEST(Trainer, GivesTheSameBitsEachTime) {
  const Outcome first = run(test::small_training(), test_comm()),
                second = run(test::small_training(), test_comm());
  for (size_t i = 0; i < first.weights.size(); ++i)
    EXPECT_TRUE(at::equal(first.weights[i], second.weights[i]));
}

// bf16 carries 8 bits: the first loss, of one forward pass from the same fp32 weights, agrees to
// about 2^-8 of itself.
TEST(Trainer, InHalfPrecisionStartsFromTheSameLossAndLearns) {
  TrainOptions half = test::small_training();
  half.steps = 60;
  half.precision = Precision::kBf16;
  const Outcome outcome = run(half, test_comm(), 60);
  EXPECT_NEAR(outcome.reports.front().loss,
              run_alone(test::small_training(), 1).reports.front().loss, 0.02);
  EXPECT_LT(outcome.reports.back().loss, 1.5);
  for (const auto& weight : outcome.weights) EXPECT_EQ(weight.scalar_type(), at::kFloat);
}

// Through the whole network: the casts of the weights must not keep the gradients back until the
// end of backward.
TEST(Trainer, TheFirstBucketLeavesBeforeBackwardReachesThePrelude) {
  ModelOptions model = test::small_model();
  model.width = 128;  // two layers fill the first bucket
  for (const auto precision : {Precision::kFp32, Precision::kBf16}) {
    SCOPED_TRACE(enum_name(precision));
    TrainOptions options = test::small_training();
    options.precision = precision;
    options.sequences = 2;
    test::FirstAllReduce first;
    test::ScriptedCommunicator comm([&] { first.begin(); });
    Trainer trainer(model, options, comm);
    first.await_in_backward_of(trainer.parameters()["layer.0.mlp.down"]);
    EXPECT_EQ(trainer.step(0, test::counting_batches(model)).fault, "");
    EXPECT_TRUE(first.begun_when_awaited());
  }
}

/// One rank whose sums of nats overflow, as those of many ranks might.
class OverflowingSum final : public Communicator {
 public:
  int rank() const override { return self_->rank(); }
  int size() const override { return self_->size(); }
  std::string_view name() const override { return "overflowing"; }
  void all_reduce(Buffer buffer, Reduction reduction) override {
    self_->all_reduce(buffer, reduction);
    if (buffer.element == Element::kFloat64)
      *static_cast<double*>(buffer.data) = std::numeric_limits<double>::infinity();
  }
  void broadcast(Buffer buffer, int root) override { self_->broadcast(buffer, root); }
  void all_gather(Buffer mine, void* all) override { self_->all_gather(mine, all); }
  void barrier() override { self_->barrier(); }
  std::unique_ptr<Communicator> duplicate() override { return self_->duplicate(); }

 private:
  std::unique_ptr<Communicator> self_ = make_self_communicator();
};

TEST(Trainer, FiniteLossesWhoseSumIsNotAreCalledThat) {
  OverflowingSum comm;
  Trainer trainer(test::small_model(), test::small_training(), comm);
  EXPECT_EQ(trainer.step(0, test::counting_batches(test::small_model())).fault,
            "the sum of the ranks' losses");
}

TEST(Trainer, AnInfiniteLossChangesNoWeightAndNamesTheRank) {
  const TrainOptions options = test::small_training();
  Communicator& comm = test_comm();
  Trainer trainer(test::small_model(), options, comm);
  const auto good = test::counting_batches(test::small_model());
  ASSERT_EQ(trainer.step(0, good).fault, "");
  if (comm.rank() == comm.size() - 1) {
    at::Tensor embedding = trainer.parameters()["embedding"].detach();
    embedding.fill_(std::numeric_limits<float>::infinity());
  }
  const at::Tensor before = trainer.parameters().list().back().tensor.detach().clone();
  EXPECT_EQ(trainer.step(1, good).fault, concat("the loss on rank ", comm.size() - 1));
  EXPECT_TRUE(at::equal(trainer.parameters().list().back().tensor, before));
}

}  // namespace
}  // namespace reprise
