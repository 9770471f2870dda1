#include "train/reducer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/support/test_comm.h"
#include "tests/train/scripted_communicator.h"

namespace reprise {
namespace {

constexpr BucketLimits kSmall{.first_bytes = 16,
                              .bytes = 40};  // several buckets out of few numbers

std::vector<Parameter> some_parameters() {
  std::vector<Parameter> parameters;
  const std::vector<std::vector<int64_t>> shapes{{2, 3}, {4}, {1}, {5, 2}, {3}};
  for (const auto& shape : shapes)
    parameters.push_back(
        {concat("p", parameters.size()), Role::kMatrix, at::zeros(shape).set_requires_grad(true)});
  return parameters;
}

/// The gradient of every element of parameter `index` on `rank`: whole numbers, so that sums are
/// exact.
float slope(int rank, size_t index) {
  return static_cast<float>(10 * (rank + 1) + static_cast<int>(index));
}

at::Tensor loss_over(const std::vector<Parameter>& parameters, const std::vector<size_t>& used,
                     int rank) {
  at::Tensor loss = at::zeros({}).set_requires_grad(true);
  for (const size_t index : used) loss = loss + parameters[index].tensor.sum() * slope(rank, index);
  return loss;
}

void expect_gradient(const Parameter& parameter, float value) {
  const at::Tensor& gradient = parameter.tensor.grad();
  EXPECT_TRUE(at::equal(gradient, at::full_like(gradient, value)))
      << parameter.name << " is " << gradient;
}

class ReducerTest : public testing::Test {
 protected:
  Communicator& comm_ = test_comm();
  std::vector<Parameter> parameters_ = some_parameters();
  Gradients gradients_{parameters_, kSmall};
  std::unique_ptr<Reducer> reducer_ = make_reducer(gradients_, comm_);
  GradientHooks hooks_{parameters_, *reducer_};
};

TEST_F(ReducerTest, GradientsBecomeTheSumOverRanks) {
  ASSERT_GT(gradients_.buckets().size(), 2u);
  for (int step = 0; step < 3; ++step) {
    gradients_.zero();
    loss_over(parameters_, {0, 1, 2, 3, 4}, comm_.rank()).backward();
    reducer_->finalize();
    for (size_t i = 0; i < parameters_.size(); ++i) {
      float expected = 0;
      for (int rank = 0; rank < comm_.size(); ++rank) expected += slope(rank, i);
      expect_gradient(parameters_[i], expected);
    }
  }
}

TEST_F(ReducerTest, AParameterUnusedOnARankNeitherHangsNorLosesTheOthers) {
  const bool lazy = comm_.rank() == 0;
  loss_over(parameters_, lazy ? std::vector<size_t>{3} : std::vector<size_t>{0, 1, 2, 3, 4},
            comm_.rank())
      .backward();
  reducer_->finalize();
  float of_others = 0;
  for (int rank = 1; rank < comm_.size(); ++rank) of_others += slope(rank, 0);
  expect_gradient(parameters_[0], of_others);
  expect_gradient(parameters_[3],
                  of_others + static_cast<float>(3 * (comm_.size() - 1)) + slope(0, 3));
}

TEST_F(ReducerTest, ARankWithoutAnyGradientNeitherHangsNorLosesTheOthers) {
  if (comm_.rank() > 0) loss_over(parameters_, {0, 1, 2, 3, 4}, comm_.rank()).backward();
  reducer_->finalize();
  float of_others = 0;
  for (int rank = 1; rank < comm_.size(); ++rank) of_others += slope(rank, 2);
  expect_gradient(parameters_[2], of_others);
}

TEST_F(ReducerTest, RanksMayFinishGradientsInDifferentOrders) {
  std::vector<size_t> order{0, 1, 2, 3, 4};
  if (comm_.rank() % 2) std::ranges::reverse(order);
  loss_over(parameters_, order, comm_.rank()).backward();
  reducer_->finalize();
  float expected = 0;
  for (int rank = 0; rank < comm_.size(); ++rank) expected += slope(rank, 4);
  expect_gradient(parameters_[4], expected);
}

TEST_F(ReducerTest, MicroBatchesAddUpBeforeTheyAreSent) {
  for (const auto backward : {Backward::kPartial, Backward::kPartial, Backward::kLast}) {
    hooks_.follow(backward);
    loss_over(parameters_, {0, 1, 2, 3, 4}, comm_.rank()).backward();
  }
  reducer_->finalize();
  float expected = 0;
  for (int rank = 0; rank < comm_.size(); ++rank) expected += 3 * slope(rank, 1);
  expect_gradient(parameters_[1], expected);
}

TEST_F(ReducerTest, GivesTheSameBitsEachTime) {
  const auto reduced = [&] {
    gradients_.zero();
    at::Tensor loss = at::zeros({}).set_requires_grad(true);
    for (const auto& parameter : parameters_)
      loss = loss + (parameter.tensor *
                     at::arange(1, parameter.tensor.numel() + 1).view(parameter.tensor.sizes()))
                            .sum() /
                        (0.3 + comm_.rank());
    loss.backward();
    reducer_->finalize();
    std::vector<at::Tensor> buckets;
    for (const auto& bucket : gradients_.buckets()) buckets.push_back(bucket.clone());
    return buckets;
  };
  const auto first = reduced(), second = reduced();
  for (size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(at::equal(first[i], second[i]));
}

TEST(ReducerOverlap, TheFirstBucketLeavesBeforeBackwardEnds) {
  test::FirstAllReduce first;
  test::ScriptedCommunicator comm([&] { first.begin(); });
  const auto parameters = some_parameters();
  Gradients gradients(parameters, kSmall);
  const auto reducer = make_reducer(gradients, comm);
  const GradientHooks hooks(parameters, *reducer);
  first.await_in_backward_of(parameters[0].tensor);
  loss_over(parameters, {0, 1, 2, 3, 4}, 0).backward();
  reducer->finalize();
  EXPECT_TRUE(first.begun_when_awaited());
  EXPECT_EQ(first.all_reduces(), static_cast<int>(gradients.buckets().size()));
}

TEST(ReducerFailure, ACollectiveThatThrowsIsToldAtFinalize) {
  test::ScriptedCommunicator comm([] { fail(ExitCode::kFailure, "the network is down"); });
  const auto parameters = some_parameters();
  Gradients gradients(parameters, kSmall);
  const auto reducer = make_reducer(gradients, comm);
  EXPECT_THROW(reducer->finalize(), Error);
}

TEST(ReducerFailure, AGradientAddedTwiceIsRefused) {
  test::ScriptedCommunicator comm([] {});
  const auto parameters = some_parameters();
  Gradients gradients(parameters, kSmall);
  const auto reducer = make_reducer(gradients, comm);
  reducer->add(1);
  EXPECT_THROW(reducer->add(1), Error);
}

/// A device that works behind the host's back: what is sent is summed when somebody waits for it.
class LateTransport final : public Transport {
 public:
  explicit LateTransport(std::vector<std::string>& log) : log_(log) {}
  void send(Buffer bucket) override {
    log_.push_back(concat("send ", bucket.count));
    enqueued_.push_back(bucket);
  }
  void broadcast(Buffer buffer, int root) override {
    log_.push_back(concat("broadcast ", buffer.count, " from ", root));
  }
  void join() override { log_.push_back("join"); }
  void await() override {
    log_.push_back("await");
    for (const Buffer& bucket : enqueued_)
      for (int64_t i = 0; i < bucket.count; ++i) static_cast<float*>(bucket.data)[i] *= 2;
    enqueued_.clear();
  }

 private:
  std::vector<std::string>& log_;
  std::vector<Buffer> enqueued_;
};

TEST(ReducerTransport, SendsEachBucketOnceInOrderAndDoesNotWaitBeforeItIsAsked) {
  std::vector<std::string> log;
  const auto parameters = some_parameters();
  Gradients gradients(parameters, kSmall);
  const auto reducer = make_reducer(gradients, std::make_unique<LateTransport>(log));
  const GradientHooks hooks(parameters, *reducer);
  std::vector<std::string> expected;
  for (const auto& bucket : gradients.buckets())
    expected.push_back(concat("send ", bucket.numel()));
  expected.push_back("join");
  for (int step = 0; step < 2; ++step) {
    log.clear();
    gradients.zero();
    loss_over(parameters, {0, 1, 2, 3, 4}, 0).backward();
    reducer->finalize();
    EXPECT_EQ(log, expected);
    expect_gradient(parameters[1], slope(0, 1));
    reducer->await();
    EXPECT_EQ(log.back(), "await");
    expect_gradient(parameters[1], 2 * slope(0, 1));
  }
}

TEST(ReducerTransport, ABucketIsSentBeforeBackwardReachesTheNext) {
  std::vector<std::string> log;
  const auto parameters = some_parameters();
  Gradients gradients(parameters, kSmall);
  const auto reducer = make_reducer(gradients, std::make_unique<LateTransport>(log));
  const GradientHooks hooks(parameters, *reducer);
  size_t sent_before_last = 0;
  parameters[0].tensor.register_hook([&](const at::Tensor& gradient) {
    sent_before_last = log.size();
    return gradient;
  });
  loss_over(parameters, {0, 1, 2, 3, 4}, 0).backward();
  EXPECT_EQ(sent_before_last, gradients.buckets().size() - 1);
}

}  // namespace
}  // namespace reprise
