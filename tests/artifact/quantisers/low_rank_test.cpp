#include "models/artifact/quantisers/low_rank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "models/artifact/quantisers/factors.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

std::vector<double> product(const LowRank& svd, size_t rows, size_t columns) {
  const auto rank = static_cast<size_t>(svd.rank);
  std::vector<double> sum(rows * columns);
  for (size_t i = 0; i < rows; ++i)
    for (size_t k = 0; k < rank; ++k)
      for (size_t j = 0; j < columns; ++j)
        sum[i * columns + j] += svd.left[i * rank + k] * svd.right[k * columns + j];
  return sum;
}

// tests/golden/make_additions_golden.py asked NumPy.
TEST(TruncatedSvd, AgreesWithNumPy) {
  const auto golden = nlohmann::json::parse(read_file(GOLDEN_DIR "/additions.json"))["svd"];
  const auto matrix = golden["matrix"].get<std::vector<double>>();
  const int64_t rows = golden["rows"], columns = golden["columns"], rank = golden["rank"];
  const LowRank svd = truncated_svd(matrix, rows, columns, rank);
  for (int64_t k = 0; k < rank; ++k) {
    double left = 0, right = 0;
    for (int64_t i = 0; i < rows; ++i) left += std::pow(svd.left[size_t(i * rank + k)], 2);
    for (int64_t j = 0; j < columns; ++j) right += std::pow(svd.right[size_t(k * columns + j)], 2);
    EXPECT_NEAR(std::sqrt(left), golden["singular"][size_t(k)].get<double>(), 1e-3);
    EXPECT_NEAR(right, 1, 1e-12);
  }
  const auto best = golden["best"].get<std::vector<double>>();
  const std::vector<double> found = product(svd, size_t(rows), size_t(columns));
  for (size_t i = 0; i < best.size(); ++i) EXPECT_NEAR(found[i], best[i], 0.02);
}

TEST(TruncatedSvd, OfFullRankGivesTheMatrixBack) {
  for (const auto& [rows, columns] : {std::pair{5, 3}, std::pair{3, 5}, std::pair{1, 4}}) {
    const std::vector<float> values = random_values(rows * columns, 1, 8);
    const std::vector<double> matrix(values.begin(), values.end());
    const LowRank svd = truncated_svd(matrix, rows, columns, std::min(rows, columns));
    const std::vector<double> found = product(svd, size_t(rows), size_t(columns));
    for (size_t i = 0; i < matrix.size(); ++i) EXPECT_NEAR(found[i], matrix[i], 1e-12);
  }
}

TEST(TruncatedSvd, OfALowerRankHasTermsOfZeros) {
  std::vector<double> matrix(20 * 12);
  for (size_t i = 0; i < 20; ++i)
    for (size_t j = 0; j < 12; ++j) matrix[i * 12 + j] = double(i + 1) * double(j + 2);
  const LowRank svd = truncated_svd(matrix, 20, 12, 3);
  for (size_t i = 0; i < 20; ++i)
    for (size_t k = 1; k < 3; ++k) EXPECT_NEAR(svd.left[i * 3 + k], 0, 1e-9);
  const std::vector<double> found = product(svd, 20, 12);
  for (size_t i = 0; i < matrix.size(); ++i) EXPECT_NEAR(found[i], matrix[i], 1e-9);
  for (const double value : truncated_svd(std::vector<double>(240), 20, 12, 3).left)
    EXPECT_EQ(value, 0);
}

/// Scales of the left columns 2 and 0.5, of the right rows 1 and 4, all exact in binary16.
TEST(Factors, AddTheProductByHand) {
  const FactorShape shape{.rows = 2, .columns = 3, .rank = 2};
  const std::string stream{0, 0x40, 0, 0x38, 0, 0x3c, 0, 0x44, 1, -2, 3, 0, 5, 6, 7, -1, 0, 1};
  ASSERT_EQ(std::ssize(stream), factor_bytes(shape));
  std::vector<float> values{100, 0, 0, 0, 0, 0};
  add_factors(shape, stream, values);
  const std::vector<float> expected{100 + 2 * 5 + 4, 2 * 6, 2 * 7 - 4, 6 * 5, 6 * 6, 6 * 7};
  EXPECT_EQ(values, expected);
}

struct Missed {
  double whole = 0, tenth_row = 0, third_column = 0;
};

Missed missed_by(const std::vector<float>& matrix, const FactorShape& shape,
                 const Importance& importance, int largest) {
  std::vector<float> values(matrix.size());
  add_factors(shape, fit_factors(matrix, shape, importance, largest), values);
  Missed missed;
  for (size_t i = 0; i < matrix.size(); ++i) {
    const double squared = std::pow(matrix[i] - values[i], 2);
    missed.whole += squared;
    if (i / size_t(shape.columns) == 10) missed.tenth_row += squared;
    if (i % size_t(shape.columns) == 3) missed.third_column += squared;
  }
  return missed;
}

TEST(Factors, FindWhatIsOfLowRankAndMoreBitsFindMore) {
  const FactorShape shape{.rows = 40, .columns = 30, .rank = 2};
  const std::vector<float> left = random_values(80, 0.3, 1), right = random_values(60, 0.1, 2);
  std::vector<float> matrix(1200);
  double squares = 0;
  for (size_t i = 0; i < 1200; ++i) {
    for (size_t k = 0; k < 2; ++k) matrix[i] += left[i / 30 * 2 + k] * right[k * 30 + i % 30];
    squares += matrix[i] * matrix[i];
  }
  const Importance even{std::vector<float>(40, 1), std::vector<float>(30, 1)};
  const double four = missed_by(matrix, shape, even, kLargestInt4).whole / squares;
  const double eight = missed_by(matrix, shape, even, kLargestInt8).whole / squares;
  EXPECT_LT(four, 0.03);
  EXPECT_LT(eight, 1e-4);
}

TEST(Factors, ServeWhatMattersFirst) {
  const FactorShape shape{.rows = 40, .columns = 30, .rank = 3};
  const std::vector<float> matrix = random_values(1200, 1, 9);
  const Importance even{std::vector<float>(40, 1), std::vector<float>(30, 1)};
  Importance row = even, column = even;
  row.rows[10] = column.columns[3] = 1000;
  const Missed plain = missed_by(matrix, shape, even, kLargestInt8);
  EXPECT_LT(missed_by(matrix, shape, row, kLargestInt8).tenth_row, 0.05 * plain.tenth_row);
  EXPECT_LT(missed_by(matrix, shape, column, kLargestInt8).third_column, 0.05 * plain.third_column);
}

}  // namespace
}  // namespace reprise
