#include "models/artifact/quantisers/hadamard.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/random.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

/// H by its definition: signs, then Sylvester's matrix, whose entry (i, j) is the parity of i & j.
std::vector<double> dense(int64_t columns) {
  const auto width = static_cast<size_t>(columns);
  const auto block = static_cast<size_t>(hadamard_block(columns));
  const RandomStream signs(width, Purpose::kRotation);
  std::vector<double> matrix(width * width);
  for (size_t i = 0; i < width; ++i)
    for (size_t j = i / block * block; j < i / block * block + block; ++j) {
      const bool odd = std::popcount((i % block) & (j % block)) % 2 == 1;
      const bool negative = odd != ((signs.bits(i) & 1) != 0);
      matrix[i * width + j] = (negative ? -1 : 1) / std::sqrt(static_cast<double>(block));
    }
  return matrix;
}

/// a [., width] times b, or its transpose, [width, width].
template <class Number>
std::vector<double> times(const std::vector<Number>& a, const std::vector<double>& b, size_t width,
                          bool transposed = false) {
  std::vector<double> product(a.size());
  for (size_t i = 0; i < a.size() / width; ++i)
    for (size_t j = 0; j < width; ++j)
      for (size_t k = 0; k < width; ++k)
        product[i * width + j] += a[i * width + k] * b[transposed ? j * width + k : k * width + j];
  return product;
}

TEST(Hadamard, TheBlockIsTheLargestPowerOfTwoThatDivides) {
  EXPECT_EQ(hadamard_block(64), 64);
  EXPECT_EQ(hadamard_block(96), 32);
  EXPECT_EQ(hadamard_block(7), 1);
}

class HadamardOf : public testing::TestWithParam<int64_t> {};

TEST_P(HadamardOf, IsTheDenseMatrixAndBack) {
  const int64_t columns = GetParam();
  const auto width = static_cast<size_t>(columns);
  const std::vector<float> weights = random_values(3 * columns, 1, 4);
  const std::vector<double> expected = times(weights, dense(columns), width);
  std::vector<float> rotated = weights;
  rotate_rows(rotated, columns);
  for (size_t i = 0; i < weights.size(); ++i) EXPECT_NEAR(rotated[i], expected[i], 1e-5);
  rotate_rows_back(rotated, columns);
  for (size_t i = 0; i < weights.size(); ++i) EXPECT_NEAR(rotated[i], weights[i], 1e-5);
}

TEST_P(HadamardOf, TurnsHessiansAndDiagonals) {
  const int64_t columns = GetParam();
  const auto width = static_cast<size_t>(columns);
  const std::vector<double> matrix = dense(columns);
  const std::vector<float> factor = random_values(columns * columns, 1, 6);
  std::vector<double> hessian(width * width), diagonal(width * width);
  std::vector<float> weights(width);
  for (size_t i = 0; i < width; ++i) {
    weights[i] = factor[i] * factor[i];
    diagonal[i * width + i] = weights[i];
    for (size_t j = 0; j < width; ++j)
      for (size_t k = 0; k < width; ++k)
        hessian[i * width + j] += factor[k * width + i] * factor[k * width + j];
  }
  const auto turned = [&](const std::vector<double>& symmetric) {  // H^T X H = (X H)^T H
    const std::vector<double> half = times(symmetric, matrix, width);
    std::vector<double> transposed(half.size());
    for (size_t i = 0; i < width; ++i)
      for (size_t j = 0; j < width; ++j) transposed[j * width + i] = half[i * width + j];
    return times(transposed, matrix, width);
  };
  const std::vector<double> expected = turned(hessian), of_diagonal = turned(diagonal);
  rotate_hessian(hessian, columns);
  for (size_t i = 0; i < hessian.size(); ++i) EXPECT_NEAR(hessian[i], expected[i], 1e-9);
  rotate_diagonal(weights);
  for (size_t i = 0; i < width; ++i) EXPECT_NEAR(weights[i], of_diagonal[i * width + i], 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Columns, HadamardOf, testing::Values(1, 2, 12, 32, 40, 64));

/// What it is for: one weight of a row, however large, is spread over the block.
TEST(Hadamard, SpreadsAnOutlier) {
  std::vector<float> row(128);
  row[17] = 8;
  rotate_rows(row, 128);
  for (const float value : row) EXPECT_NEAR(std::abs(value), 8 / std::sqrt(128.0), 1e-6);
}

}  // namespace
}  // namespace reprise
