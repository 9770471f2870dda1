#include "train/muon.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace reprise {
namespace {

at::Tensor random_matrices(at::IntArrayRef shape, at::ScalarType type) {
  at::Tensor values = at::empty(shape, at::kDouble);
  const RandomStream random(5, Purpose::kTest);
  for (int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<double>()[i] = random.normal(static_cast<uint64_t>(i));
  return values.to(type);
}

double scalar_iteration(double s, int64_t iterations) {
  for (int64_t i = 0; i < iterations; ++i)
    s = 3.4445 * s - 4.7750 * std::pow(s, 3) + 2.0315 * std::pow(s, 5);
  return s;
}

// An odd matrix polynomial acts on the singular values alone, so a decomposition gives the answer
// by another way.
TEST(NewtonSchulz, IsItsPolynomialOfTheSingularValues) {
  for (const auto& shape : {std::vector<int64_t>{3, 4, 6}, std::vector<int64_t>{3, 6, 4}}) {
    const at::Tensor matrices_NRC = random_matrices(shape, at::kDouble);
    const auto [u, s, vt] = at::linalg_svd(matrices_NRC, /*full_matrices=*/false);
    at::Tensor mapped = (s / s.square().sum(1, true).sqrt()).contiguous();
    for (int64_t i = 0; i < mapped.numel(); ++i)
      mapped.data_ptr<double>()[i] = scalar_iteration(mapped.data_ptr<double>()[i], 5);
    const at::Tensor expected_NRC = at::matmul(u * mapped.unsqueeze(1), vt);
    EXPECT_TRUE(
        at::allclose(newton_schulz(matrices_NRC, 5, at::kDouble), expected_NRC, 1e-10, 1e-10));
  }
}

// The write-up states that five iterations bring singular values of at least about 0.01 into
// roughly [0.7, 1.2]; half precision adds its rounding, 2^-8 over some products.
TEST(NewtonSchulz, MakesMatricesNearlyOrthogonal) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor almost_NRC = newton_schulz(random_matrices({4, 16, 64}, at::kFloat), 5, type);
    const at::Tensor s = std::get<1>(at::linalg_svd(almost_NRC, false));
    EXPECT_GT(s.min().item<float>(), 0.6) << type;
    EXPECT_LT(s.max().item<float>(), 1.3) << type;
  }
}

TEST(NewtonSchulz, LeavesZerosAlone) {
  EXPECT_EQ(newton_schulz(at::zeros({1, 3, 3}), 5, at::kFloat).abs().max().item<float>(), 0);
}

TEST(NewtonSchulz, IgnoresTheScaleOfTheUpdate) {
  const at::Tensor matrices_NRC = random_matrices({2, 5, 3}, at::kDouble);
  EXPECT_TRUE(at::allclose(newton_schulz(matrices_NRC * 1e-3, 5, at::kDouble),
                           newton_schulz(matrices_NRC, 5, at::kDouble), 1e-9, 1e-9));
}

// For a 1 x 1 matrix the update is the iteration of +1 or -1, so the step can be followed on paper.
TEST(Muon, FollowsItsEquationsOnASingleNumber) {
  at::Tensor weight = at::full({1, 1}, 2.0, at::kDouble).set_requires_grad(true);
  Muon muon({{"w", Role::kMatrix, weight}}, 5, at::kDouble);
  weight.mutable_grad() = at::full({1, 1}, 4.0, at::kDouble);
  muon.step({.rate = 0.1, .momentum = 0.5, .weight_decay = 0.2});
  double expected = 2.0 * (1 - 0.1 * 0.2) - 0.1 * scalar_iteration(1, 5);
  EXPECT_NEAR(weight.item<double>(), expected, 1e-12);
  EXPECT_NEAR(muon.state().at(0).tensor.item<double>(), 2.0, 1e-12);  // 0.5 * 0 + 0.5 * 4

  weight.mutable_grad() = at::full({1, 1}, -1.0, at::kDouble);
  muon.step({.rate = 0.1, .momentum = 0.5, .weight_decay = 0});
  // B = 0.5 * 2 - 0.5 = 0.5; U = 0.5 * 0.5 - 0.5 * 1 = -0.25: down, so the weight goes up.
  expected += 0.1 * scalar_iteration(1, 5);
  EXPECT_NEAR(weight.item<double>(), expected, 1e-12);
}

TEST(Muon, ScalesTallMatricesByTheRootOfTheirRatio) {
  const auto moved = [](at::IntArrayRef shape) {
    at::Tensor weight = at::zeros(shape, at::kDouble).set_requires_grad(true);
    Muon muon({{"w", Role::kMatrix, weight}}, 5, at::kDouble);
    weight.mutable_grad() = at::ones(shape, at::kDouble);
    muon.step({.rate = 1, .momentum = 0, .weight_decay = 0});
    return weight.detach().norm().item<double>();
  };
  EXPECT_NEAR(moved({8, 2}), 2 * moved({2, 8}), 1e-9);
}

TEST(Muon, GivesAMatrixTheSameStepAloneAndAmongOthers) {
  const auto step = [](size_t count) {
    std::vector<Parameter> matrices;
    for (size_t i = 0; i < count; ++i) {
      at::Tensor weight = at::zeros({3, 4}, at::kDouble).set_requires_grad(true);
      weight.mutable_grad() = random_matrices({4, 3, 4}, at::kDouble)[static_cast<int64_t>(i)];
      matrices.push_back({concat("w", i), Role::kMatrix, weight});
    }
    Muon(matrices, 5, at::kDouble).step({.rate = 1, .momentum = 0.9, .weight_decay = 0});
    return matrices[0].tensor.detach();
  };
  EXPECT_TRUE(at::allclose(step(1), step(4), 1e-12, 1e-12));
}

std::vector<Parameter> matrices_of(const std::vector<std::vector<int64_t>>& shapes) {
  std::vector<Parameter> matrices;
  for (const auto& shape : shapes)
    matrices.push_back({concat("w", matrices.size()), Role::kMatrix, at::zeros(shape)});
  return matrices;
}

TEST(MatrixBatches, AreOfOneShapeAndOfAMillionElementsAtMost) {
  const std::vector<int64_t> half{512, 1024}, other{1024, 512}, larger{1025, 1024}, small{3, 4};
  using Batches = std::vector<std::vector<size_t>>;
  EXPECT_EQ(
      plan_matrix_batches(matrices_of({half, other, half, small, half, larger, larger, small})),
      (Batches{{0, 2}, {1}, {3, 7}, {4}, {5}, {6}}));
  EXPECT_EQ(plan_matrix_batches({}), Batches{});
}

// With two threads libtorch's product of a single-precision batch splits each matrix by how many
// there are; a rank that owns some batches must still get the bits of one that owns all.
TEST(MatrixBatches, OwnedInPartTheyMoveByTheSameBits) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  const int64_t side = 256, count = 40;  // 16 a batch: 16, 16, 8
  const at::Tensor gradients_NRC = random_matrices({count, side, side}, at::kFloat);
  const auto moved = [&](at::ScalarType compute, const std::vector<int64_t>& owned) {
    std::vector<Parameter> matrices;
    for (const int64_t i : owned) {
      matrices.push_back(
          {concat("w", i), Role::kMatrix, at::zeros({side, side}).set_requires_grad(true)});
      matrices.back().tensor.mutable_grad() = gradients_NRC[i];
    }
    Muon(matrices, 5, compute).step({.rate = 1, .momentum = 0.9, .weight_decay = 0});
    std::vector<at::Tensor> weights;
    for (const auto& matrix : matrices) weights.push_back(matrix.tensor.detach());
    return weights;
  };
  std::vector<int64_t> all, first_and_last;
  for (int64_t i = 0; i < count; ++i) {
    all.push_back(i);
    if (i < 16 || i >= 32) first_and_last.push_back(i);
  }
  for (const auto compute : {at::kFloat, at::kBFloat16}) {
    const auto whole = moved(compute, all), part = moved(compute, first_and_last);
    for (size_t i = 0; i < part.size(); ++i)
      EXPECT_TRUE(at::equal(part[i], whole[static_cast<size_t>(first_and_last[i])])) << i;
  }
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace reprise
