#include "models/artifact/quantisers/additive.h"

#include <gmock/gmock.h>

#include <cmath>

#include "models/artifact/quantisers/additive_quantiser.h"
#include "models/artifact/quantisers/half_quantiser.h"
#include "tests/artifact/quantisers/read_back.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

/// Numbers without meaning under metrics that differ from group to group, with off-diagonals.
VectorProblem random_problem(size_t rows, size_t groups, size_t vector, uint64_t seed) {
  VectorProblem problem{.rows = rows,
                        .groups = groups,
                        .vector = vector,
                        .values = random_values(int64_t(rows * groups * vector), 1, seed),
                        .row_weights = random_importance(rows, 1, seed).rows,
                        .metrics = std::vector<float>(groups * vector * vector)};
  const std::vector<float> roots = random_values(int64_t(problem.metrics.size()), 1, seed + 1);
  for (size_t group = 0; group < groups; ++group)
    for (size_t i = 0; i < vector; ++i)
      for (size_t k = 0; k < vector; ++k) {
        float& entry = problem.metrics[(group * vector + i) * vector + k];
        for (size_t j = 0; j < vector; ++j)
          entry +=
              roots[(group * vector + i) * vector + j] * roots[(group * vector + k) * vector + j];
      }
  return problem;
}

Codebooks random_codebooks(size_t entries, size_t vector, uint64_t seed) {
  const auto count = static_cast<int64_t>(entries * vector);
  return {Codebook{vector, random_values(count, 1, seed)},
          Codebook{vector, random_values(count, 0.5, seed + 1)}};
}

double vector_error(const VectorProblem& problem, const Codebooks& codebooks, size_t group,
                    size_t row, size_t first, size_t second) {
  std::vector<double> error;
  for (size_t i = 0; i < problem.vector; ++i)
    error.push_back(double(problem.at(group, row)[i]) - codebooks[0].at(first)[i] -
                    codebooks[1].at(second)[i]);
  double sum = 0;
  for (size_t i = 0; i < problem.vector; ++i)
    for (size_t k = 0; k < problem.vector; ++k)
      sum += error[i] * problem.metric(group)[i * problem.vector + k] * error[k];
  return problem.row_weights[row] * sum;
}

double error_of(const VectorProblem& problem, const Codebooks& codebooks,
                const VectorCodes& codes) {
  double sum = 0;
  for (size_t group = 0; group < problem.groups; ++group)
    for (size_t row = 0; row < problem.rows; ++row) {
      const size_t at = group * problem.rows + row;
      sum += vector_error(problem, codebooks, group, row, codes[0][at], codes[1][at]);
    }
  return sum;
}

TEST(SearchCodes, AllEntriesInTheBeamGiveTheBestPair) {
  const VectorProblem problem = random_problem(20, 3, 5, 1);
  const Codebooks codebooks = random_codebooks(19, 5, 2);
  VectorCodes codes;
  const double error = search_codes(problem, codebooks, {.width = 19}, codes);
  EXPECT_NEAR(error, error_of(problem, codebooks, codes), 1e-4 * error);
  double least = 0;
  for (size_t group = 0; group < problem.groups; ++group)
    for (size_t row = 0; row < problem.rows; ++row) {
      double best = 1e300;
      for (size_t a = 0; a < 19; ++a)
        for (size_t b = 0; b < 19; ++b)
          best = std::min(best, vector_error(problem, codebooks, group, row, a, b));
      least += best;
    }
  EXPECT_NEAR(error, least, 1e-4 * least);
}

TEST(SearchCodes, AWiderBeamIsNeverWorse) {
  const VectorProblem problem = random_problem(100, 4, 8, 3);
  const Codebooks codebooks = random_codebooks(32, 8, 4);
  for (const size_t leading : {0, 1}) {
    double before = 1e300;
    for (const size_t width : {1, 2, 4, 8, 32}) {
      VectorCodes codes;
      const double error =
          search_codes(problem, codebooks, {.width = width, .leading = leading}, codes);
      EXPECT_LE(error, before * (1 + 1e-6)) << width;
      before = error;
    }
  }
}

TEST(SearchCodes, NeverLosesWhatItStartsFrom) {
  const VectorProblem problem = random_problem(50, 2, 4, 5);
  const Codebooks codebooks = random_codebooks(16, 4, 6);
  VectorCodes codes;
  double before = search_codes(problem, codebooks, {.width = 1}, codes);
  for (size_t turn = 1; turn < 6; ++turn) {
    const double now = search_codes(problem, codebooks, {.width = 2, .leading = turn % 2}, codes);
    EXPECT_LE(now, before * (1 + 1e-6));
    before = now;
  }
}

TEST(FitCodebook, NoStepOfAnEntryLowersTheError) {
  const VectorProblem problem = random_problem(60, 3, 4, 7);
  Codebooks codebooks = random_codebooks(8, 4, 8);
  VectorCodes codes;
  const double before = search_codes(problem, codebooks, {.width = 8}, codes);
  fit_codebook(problem, codes, 1, codebooks);
  const double fitted = error_of(problem, codebooks, codes);
  EXPECT_LT(fitted, before);
  for (size_t i = 0; i < codebooks[1].entries.size(); ++i)
    for (const float step : {-0.01F, 0.01F}) {
      Codebooks moved = codebooks;
      moved[1].entries[i] += step;
      EXPECT_GE(error_of(problem, moved, codes), fitted) << i;
    }
}

TEST(EncodeAdditive, TheErrorFallsWithEveryTurn) {
  for (const size_t vector : {4, 8}) {
    const VectorProblem problem = random_problem(400, 6, vector, 9);
    const AdditiveCode code =
        encode_additive(problem, {.entries = 16, .vector = vector, .sample_turns = 6, .turns = 4});
    const auto falls = [](const std::vector<double>& errors) {
      for (size_t i = 1; i < errors.size(); ++i) EXPECT_LE(errors[i], errors[i - 1] * (1 + 1e-6));
    };
    ASSERT_EQ(code.sample_errors.size(), 6U);
    falls(code.sample_errors);
    EXPECT_LT(code.sample_errors.back(), 0.98 * code.sample_errors.front());
    ASSERT_EQ(code.errors.size(), 5U);
    falls({code.errors.begin(), code.errors.end() - 1});
    // The last codes are those of codebooks rounded to binary16.
    EXPECT_NEAR(code.errors[4] / code.errors[3], 1, 1e-2);
    EXPECT_NEAR(error_of(problem, code.codebooks, code.codes), code.errors[4],
                1e-4 * code.errors[4]);
  }
}

TEST(Additive, EveryPairOfCodesIsTheSumOfItsEntriesOrRefused) {
  constexpr int kEntries = 7;
  const TensorShape shape{
      "t", {.scheme = Scheme::kAdditive, .entries = kEntries, .vector = 2}, {2, 3}};
  std::string scales, codebooks;
  for (const float scale : {2.0F, -1.0F}) append_half(scales, to_half(scale));
  for (int i = 0; i < 4 * kEntries; ++i) append_half(codebooks, to_half(float(i)));
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string first{0, 0, char(a), 0}, second{0, 0, 0, char(b)};
      std::vector<float> values;
      const std::string line = bad_input_line([&] {
        values = dequantise_additive(
            shape, std::vector<std::string_view>{scales, codebooks, first, second});
      });
      ASSERT_EQ(line.empty(), a < kEntries && b < kEntries) << a << " " << b;
      if (!line.empty()) continue;
      // Entry k of the first codebook is (2k, 2k + 1), of the second 14 more; a row is a vector and
      // half of one.
      EXPECT_EQ(values, (std::vector<float>{28, 32, 28, -(2.F * a + 14), -(2.F * a + 16),
                                            -(14.F + 2 * b)}));
    }
}

TEST(AdditiveQuantiser, ImportanceLowersTheErrorThatItWeighs) {
  const HostTensor tensor{"matrix", {48, 64}, random_values(48 * 64, 0.05, 11)};
  const Subject weighted{tensor, random_importance(48, 64, 2)};
  const Subject plain{tensor, relative_importance(tensor)};
  const auto error = [&](const Subject& subject) {
    const AdditiveQuantiser quantiser(subject, {.entries = 16, .vector = 8});
    return weighted_distortion(weighted, read_back(tensor, quantiser.quantise(1)));
  };
  EXPECT_LT(error(weighted), 0.8 * error(plain));
}

TEST(AdditiveQuantiser, TakesTheBlocksOfAHessianAsItsMetric) {
  constexpr size_t kMatrixRows = 96, kMatrixColumns = 24;
  const HostTensor tensor{"matrix",
                          {kMatrixRows, kMatrixColumns},
                          random_values(kMatrixRows * kMatrixColumns, 0.05, 10)};
  std::vector<double> hessian(kMatrixColumns * kMatrixColumns);
  for (size_t i = 0; i < kMatrixColumns; ++i)
    for (size_t k = 0; k < kMatrixColumns; ++k)
      hessian[i * kMatrixColumns + k] = std::pow(0.95, std::abs(double(i) - double(k)));
  Subject subject{tensor, relative_importance(tensor)};
  const auto output_error = [&] {
    const std::vector<float> values =
        read_back(tensor, AdditiveQuantiser(subject, {.entries = 16, .vector = 8}).quantise(1));
    double sum = 0;
    for (size_t row = 0; row < kMatrixRows; ++row)
      for (size_t i = 0; i < kMatrixColumns; ++i)
        for (size_t k = 0; k < kMatrixColumns; ++k) {
          const auto off = [&](size_t at) { return tensor.values[at] - values[at]; };
          sum += off(row * kMatrixColumns + i) * hessian[i * kMatrixColumns + k] *
                 off(row * kMatrixColumns + k);
        }
    return sum;
  };
  const double blind = output_error();
  subject.hessian = &hessian;
  EXPECT_LT(output_error(), 0.8 * blind);
}

}  // namespace
}  // namespace reprise
