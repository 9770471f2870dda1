#include "models/artifact/quantisers/feedback.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "models/artifact/quantisers/cholesky.h"
#include "models/artifact/quantisers/quantiser.h"
#include "models/artifact/quantisers/row_codes.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

using Square = std::vector<double>;  ///< matrix, row-major

/// sum x x^T over `count` inputs whose columns go together.
Square correlated_hessian(size_t n, size_t count) {
  const std::vector<float> noise = random_values(static_cast<int64_t>(n * count), 1, 3);
  Square hessian(n * n);
  for (size_t sample = 0; sample < count; ++sample) {
    std::vector<double> x(n);
    double before = 0;
    for (size_t i = 0; i < n; ++i)
      x[i] = before = 0.8 * before + (1 + 0.1 * static_cast<double>(i % 5)) * noise[sample * n + i];
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j) hessian[i * n + j] += x[i] * x[j];
  }
  return hessian;
}

double error_at_output(std::span<const float> weights, std::span<const float> decoded,
                       const Square& hessian) {
  const auto n = static_cast<size_t>(std::sqrt(static_cast<double>(hessian.size())));
  double sum = 0;
  for (size_t row = 0; row < weights.size() / n; ++row)
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j)
        sum += static_cast<double>(weights[row * n + i] - decoded[row * n + i]) *
               hessian[i * n + j] *
               static_cast<double>(weights[row * n + j] - decoded[row * n + j]);
  return sum;
}

/// Of a symmetric positive definite matrix, by Gauss and Jordan.
Square inverse_of(Square matrix, size_t n) {
  Square inverse(n * n);
  for (size_t i = 0; i < n; ++i) inverse[i * n + i] = 1;
  for (size_t pivot = 0; pivot < n; ++pivot) {
    const double scale = matrix[pivot * n + pivot];
    for (size_t j = 0; j < n; ++j) matrix[pivot * n + j] /= scale, inverse[pivot * n + j] /= scale;
    for (size_t i = 0; i < n; ++i) {
      const double factor = i == pivot ? 0 : matrix[i * n + pivot];
      for (size_t j = 0; j < n; ++j) {
        matrix[i * n + j] -= factor * matrix[pivot * n + j];
        inverse[i * n + j] -= factor * inverse[pivot * n + j];
      }
    }
  }
  return inverse;
}

/// GPTQ as its paper has it: after each weight is rounded the rest of its row moves to where the
/// error is least, by the inverse of what of the Hessian is left (equations 2 and 3).
std::vector<float> by_the_paper(std::span<const float> row, const Square& hessian,
                                std::span<const size_t> order) {
  const size_t n = row.size();
  std::vector<double> wanted(row.begin(), row.end());
  std::vector<float> decoded(n);
  for (size_t step = 0; step < n; ++step) {
    const size_t left = n - step, column = order[step];
    Square rest(left * left);
    for (size_t i = 0; i < left; ++i)
      for (size_t j = 0; j < left; ++j)
        rest[i * left + j] = hessian[order[step + i] * n + order[step + j]];
    const Square inverse = inverse_of(rest, left);
    decoded[column] = static_cast<float>(std::nearbyint(wanted[column]));
    const double error = (wanted[column] - decoded[column]) / inverse[0];
    for (size_t i = 0; i < left; ++i) wanted[order[step + i]] -= error * inverse[i];
  }
  return decoded;
}

std::vector<float> rounded(const Feedback& feedback, std::span<const float> weights) {
  std::vector<float> decoded(weights.size());
  feedback.round_rows(weights, [&](size_t row, size_t column, float wanted) {
    return decoded[row * feedback.columns() + column] = std::nearbyint(wanted);
  });
  return decoded;
}

TEST(Cholesky, GivesTheUpperFactor) {
  constexpr size_t kN = 37;
  const Square hessian = correlated_hessian(kN, 100);
  Square factor = hessian;
  ASSERT_TRUE(factorise_upper(factor, kN));
  for (size_t i = 0; i < kN; ++i)
    for (size_t j = i; j < kN; ++j) {
      double sum = 0;
      for (size_t k = j; k < kN; ++k) sum += factor[i * kN + k] * factor[j * kN + k];
      EXPECT_NEAR(sum, hessian[i * kN + j], 1e-10 * hessian[0]);
    }
  Square singular{1, 1, 1, 1};
  EXPECT_FALSE(factorise_upper(singular, 2));
  Square undefined{1, std::nan(""), 0, 1};
  EXPECT_FALSE(factorise_upper(undefined, 2));
}

TEST(Feedback, RoundsAsThePaperDoes) {
  constexpr size_t kN = 24;
  Square hessian = correlated_hessian(kN, 60);
  const std::vector<float> weights = random_values(20 * kN, 2, 5);
  const Feedback feedback(hessian, kN, "w");
  double mean = 0;
  for (size_t i = 0; i < kN; ++i) mean += hessian[i * kN + i] / kN;
  for (size_t i = 0; i < kN; ++i) hessian[i * kN + i] += kDamping * mean;
  std::vector<size_t> order(kN);
  for (size_t i = 0; i < kN; ++i) order[i] = i;
  std::ranges::stable_sort(order, std::greater{}, [&](size_t i) { return hessian[i * kN + i]; });
  const std::vector<float> decoded = rounded(feedback, weights);
  for (size_t row = 0; row < 20; ++row) {
    const std::span<const float> one(&weights[row * kN], kN);
    EXPECT_THAT(std::vector<float>(&decoded[row * kN], &decoded[row * kN] + kN),
                testing::ElementsAreArray(by_the_paper(one, hessian, order)))
        << row;
  }
}

TEST(Feedback, CostsAreWhatTheErrorAtTheOutputComesTo) {
  constexpr size_t kN = 64;
  const Square hessian = correlated_hessian(kN, 4000);
  const std::vector<float> weights = random_values(400 * kN, 9, 6);
  const Feedback feedback(hessian, kN, "w");
  double expected = 0;  // roundings are even over a step of 1: a twelfth is their mean square
  for (const float cost : feedback.column_costs()) expected += 400.0 * cost / 12;
  const double found = error_at_output(weights, rounded(feedback, weights), hessian);
  EXPECT_NEAR(found / expected, 1, 0.05);
  std::vector<float> nearest;
  for (const float weight : weights) nearest.push_back(std::nearbyint(weight));
  EXPECT_LT(found, 0.6 * error_at_output(weights, nearest, hessian));
}

TEST(Feedback, InputsThatShareNothingChangeNothing) {
  constexpr size_t kN = 8;
  Square hessian(kN * kN);
  for (size_t i = 0; i < kN; ++i) hessian[i * kN + i] = 1 + static_cast<double>(i);
  const std::vector<float> weights = random_values(3 * kN, 2, 5);
  const std::vector<float> decoded = rounded({hessian, kN, "w"}, weights);
  for (size_t i = 0; i < weights.size(); ++i) EXPECT_EQ(decoded[i], std::nearbyint(weights[i]));
  const Feedback untouched(Square(kN * kN), kN, "w");  // no input ever reached the matrix
  EXPECT_EQ(rounded(untouched, weights), decoded);
}

TEST(Feedback, RefusesWhatIsNoHessianByTheTensorsName) {
  for (const double bad : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    Square hessian{1, 0, 0, bad};
    try {
      const Feedback feedback(hessian, 2, "layer.3.mlp.up");
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kBadInput);
      EXPECT_THAT(error.what(), testing::HasSubstr("Hessian of tensor layer.3.mlp.up"));
    }
  }
}

TEST(RowQuantiser, AHessianLessensTheErrorAtTheOutputAtTheSameBits) {
  constexpr size_t kN = 96;
  const Square hessian = correlated_hessian(kN, 1000);
  const HostTensor tensor{"w", {64, kN}, random_values(64 * kN, 0.05, 9)};
  const QuantiserOptions options{.min_bits = 4, .max_bits = 4};
  const Importance importance = relative_importance(tensor);
  const auto error_of = [&](const Quantiser& quantiser) {
    const QuantisedTensor quantised = quantiser.quantise(1e-9);
    const std::vector<std::string_view> streams(quantised.streams.begin(), quantised.streams.end());
    return error_at_output(
        tensor.values, dequantise({tensor.name, quantised.form, tensor.shape}, streams), hessian);
  };
  const auto nearest = make_quantiser({tensor, importance}, options);
  const auto fed_back = make_quantiser({tensor, importance, &hessian}, options);
  EXPECT_LT(error_of(*fed_back), 0.6 * error_of(*nearest));
  // What it forecasts is relative to the tensor's mean square times the mean of H's diagonal.
  double diagonal = 0, squares = 0;
  for (size_t i = 0; i < kN; ++i) diagonal += hessian[i * kN + i] / kN;
  for (const float value : tensor.values) squares += value * value;
  EXPECT_NEAR(fed_back->forecast(1e-9).distortion * diagonal * squares /
                  static_cast<double>(tensor.values.size()) / error_of(*fed_back),
              1, 0.15);
}

/// At the slope where both keep about the same trits: what feedback saves is not bought with bits.
TEST(TernaryQuantiser, AHessianLessensTheErrorAtTheOutput) {
  constexpr size_t kN = 96;
  const Square hessian = correlated_hessian(kN, 1000);
  const HostTensor tensor{"w", {64, kN}, random_values(64 * kN, 0.05, 9)};
  const auto error_of = [&](const std::vector<double>* known) {
    const auto quantiser =
        make_quantiser({tensor, relative_importance(tensor), known}, {.schemes = {"ternary"}});
    const std::vector<float> values = dequantise(quantiser->quantise(1e-9), tensor);
    return error_at_output(tensor.values, values, hessian);
  };
  EXPECT_LT(error_of(&hessian), 0.7 * error_of(nullptr));
}

}  // namespace
}  // namespace reprise
