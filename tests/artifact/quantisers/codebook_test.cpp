#include <gmock/gmock.h>

#include <cmath>

#include "base/random.h"
#include "models/artifact/quantisers/centroid_fit.h"
#include "models/artifact/quantisers/codebook_quantiser.h"
#include "models/artifact/quantisers/half_quantiser.h"
#include "tests/artifact/quantisers/read_back.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

std::string half_stream(std::span<const float> values) {
  std::string stream;
  for (const float value : values) append_half(stream, to_half(value));
  return stream;
}

TEST(Codebook, EveryIndexOfEverySizeIsItsEntryOrRefused) {
  std::vector<float> entries;
  for (int size = 1; size <= 256; ++size) {
    entries.push_back(0.25F * static_cast<float>(size - 100));
    const std::string codebook = half_stream(entries),
                      scales = half_stream(std::vector{0.5F, -2.0F});
    for (int index = 0; index < 256; ++index) {
      std::string indices(4, 0);
      indices[1] = indices[2] = static_cast<char>(index);
      std::vector<float> values;
      const std::string line = bad_input_line([&] {
        values = dequantise_codebook(scales, codebook, centre_indices(indices, entries.size()));
      });
      if (index >= size) {
        EXPECT_THAT(line, testing::HasSubstr("into a codebook of"));
        continue;
      }
      const float entry = entries[static_cast<size_t>(index)];
      EXPECT_EQ(values,
                (std::vector{0.5F * entries[0], 0.5F * entry, -2 * entry, -2 * entries[0]}));
    }
  }
}

struct Weighted {
  double value, importance;
};

std::vector<Weighted> weighted_numbers(size_t count, uint64_t seed) {
  const std::vector<float> values = laplace_values(count, seed);
  const Importance importance = random_importance(count, 1, seed);
  std::vector<Weighted> numbers;
  for (size_t i = 0; i < count; ++i) numbers.push_back({values[i], importance.rows[i]});
  std::ranges::sort(numbers, {}, &Weighted::value);
  return numbers;
}

/// The least error of k-means on a line by dynamic programming over the sorted numbers.
double optimal_error(std::span<const Weighted> numbers, size_t entries) {
  const size_t count = numbers.size();
  std::vector<Histogram::Sums> before(1);
  for (const auto& [value, importance] : numbers) {
    before.push_back(before.back());
    before.back() += {1, importance, importance * value, importance * value * value};
  }
  const auto error = [&](size_t from, size_t to) {
    const Histogram::Sums sums = before[to] - before[from];
    return sums.error(sums.first / sums.importance);
  };
  std::vector<double> least(count + 1, 1e300);
  least[0] = 0;
  for (size_t entry = 0; entry < entries; ++entry)
    for (size_t to = count; to > 0; --to) {
      for (size_t from = 0; from < to; ++from)
        least[to] = std::min(least[to], least[from] + error(from, to));
      if (entry == 0) least[to] = error(0, to);
    }
  return least[count];
}

Histogram histogram_of(std::span<const Weighted> numbers) {
  Histogram histogram(16);
  for (const auto& [value, importance] : numbers)
    histogram.add(static_cast<float>(value), importance);
  return histogram;
}

TEST(Codebook, CodesAreSignedAroundTheMiddle) {
  EXPECT_EQ(centre_indices({0, 1, 2, 3, 4}, 5), (std::string{-2, -1, 0, 1, 2}));
  EXPECT_EQ(centre_indices({0, 1, 2, 3}, 4), (std::string{-2, -1, 0, 1}));
}

TEST(ScalarKMeans, IsTheOptimumOfDynamicProgramming) {
  for (const size_t count : {5, 50, 400, 1500}) {
    const std::vector<Weighted> numbers = weighted_numbers(count, count);
    const ScalarKMeans kmeans(histogram_of(numbers));
    const LineDivision division = kmeans.divide(16);
    for (const size_t entries : {2, 4, 8, 16}) {
      const double least = optimal_error(numbers, entries);
      const double found = kmeans.fit(division, entries).distortion;
      // Numbers of one bin stay together.
      EXPECT_NEAR(found, least, 1e-3 * least + 1e-4) << entries << " entries of " << count;
      EXPECT_GE(found, least * (1 - 1e-6));
    }
  }
}

// tests/golden/make_body_golden.py tried every division of the sorted weights.
TEST(ScalarKMeans, FindsTheErrorsOfAnIndependentImplementation) {
  const BodyGolden golden = read_body_golden();
  const auto& expected = golden.json.at("codebook");
  const auto scales = expected.at("scales").get<std::vector<double>>();
  const auto& [rows, columns] = golden.importance;
  Histogram histogram(16);
  for (size_t i = 0; i < golden.tensor.values.size(); ++i) {
    const size_t row = i / columns.size();
    histogram.add(static_cast<float>(golden.tensor.values[i] / scales[row]),
                  scales[row] * scales[row] * rows[row] * columns[i % columns.size()]);
  }
  const ScalarKMeans kmeans(histogram);
  const LineDivision division = kmeans.divide(16);
  for (const auto& each : expected.at("distortions")) {
    const double distortion = each.at("distortion");
    EXPECT_NEAR(kmeans.fit(division, each.at("entries")).distortion, distortion, 1e-3 * distortion)
        << each;
  }
}

TEST(ScalarKMeans, APriceBuysFewerBitsForLessThanItCosts) {
  const ScalarKMeans kmeans(histogram_of(weighted_numbers(20'000, 5)));
  const ScalarCodebook free = kmeans.fit(kmeans.divide(32), 32);
  ScalarCodebook before = free;
  for (double price = 1e-4; price < 1e4; price *= 2) {
    const ScalarCodebook now = kmeans.fit(before, price);
    const auto cost = [&](const ScalarCodebook& of) {
      return of.distortion + price * of.entropy_bits;
    };
    EXPECT_LE(cost(now), cost(before));
    EXPECT_LE(now.entropy_bits, before.entropy_bits * (1 + 1e-9)) << price;
    before = now;
  }
  EXPECT_EQ(before.centroids.size(), 1U);
  EXPECT_GT(free.entropy_bits, 4.0 * 20'000);
}

/// sum of what the inputs of a matrix are, of columns that resemble their neighbours.
std::vector<double> correlated_hessian(size_t columns) {
  std::vector<double> hessian(columns * columns);
  for (size_t i = 0; i < columns; ++i)
    for (size_t k = 0; k < columns; ++k)
      hessian[i * columns + k] = std::pow(0.9, std::abs(double(i) - double(k))) *
                                 (1 + double(i % 3)) * (1 + double(k % 3));
  return hessian;
}

TEST(FitCentroids, NoStepOfACentroidLowersTheErrorAtTheOutput) {
  constexpr size_t kMatrixRows = 24, kMatrixColumns = 18, kEntries = 6;
  const HostTensor tensor{
      "matrix", {kMatrixRows, kMatrixColumns}, random_values(kMatrixRows * kMatrixColumns, 1, 6)};
  const std::vector<double> hessian = correlated_hessian(kMatrixColumns);
  const Subject subject{tensor, random_importance(kMatrixRows, kMatrixColumns, 6), &hessian};
  const RandomStream stream(6, Purpose::kTest, 2);
  std::string indices;
  for (size_t i = 0; i < tensor.values.size(); ++i)
    indices += static_cast<char>(std::clamp<double>(3 + 1.5 * tensor.values[i], 0, kEntries - 2));
  IndexedMatrix matrix{.scales = {}, .indices = indices, .centroids = {-2, -1, 0, 1, 2, 7}};
  for (size_t row = 0; row < kMatrixRows; ++row)
    matrix.scales.push_back(static_cast<float>(0.5 + stream.uniform(row)));
  const double before = output_error(subject, matrix);
  matrix.centroids = fit_centroids(subject, matrix);
  const double fitted = output_error(subject, matrix);
  EXPECT_LT(fitted, 0.9 * before);
  EXPECT_EQ(matrix.centroids.back(), 7) << "an entry that no index names";
  for (size_t entry = 0; entry + 1 < kEntries; ++entry)
    for (const float step : {-0.01F, 0.01F}) {
      IndexedMatrix moved = matrix;
      moved.centroids[entry] += step;
      EXPECT_GT(output_error(subject, moved), fitted) << entry;
    }
}

TEST(CodebookQuantiser, WithAHessianItsCentroidsServeTheOutput) {
  const HostTensor tensor{"matrix", {64, 96}, random_values(64 * 96, 0.05, 7)};
  const std::vector<double> hessian = correlated_hessian(96);
  Subject subject{tensor, relative_importance(tensor)};
  const QuantisedTensor plain = make_quantiser(subject, only_scheme("codebook"))->quantise(0.05);
  subject.hessian = &hessian;
  const QuantisedTensor fitted = make_quantiser(subject, only_scheme("codebook"))->quantise(0.05);
  EXPECT_EQ(plain.streams[2], fitted.streams[2]) << "indices are frozen";
  const auto error = [&](const QuantisedTensor& quantised) {
    std::string indices = quantised.streams[2];
    for (char& index : indices) index = static_cast<char>(index + quantised.form.entries / 2);
    IndexedMatrix matrix{
        .scales = {}, .indices = indices, .centroids = dequantise_half(quantised.streams[1])};
    for (size_t row = 0; row < 64; ++row)
      matrix.scales.push_back(half_at(quantised.streams[0], row));
    return output_error(subject, matrix);
  };
  EXPECT_LT(error(fitted), error(plain));
}

/// What counts is distortion + slope * bits, at the slopes where integers take these bits.
TEST(CodebookQuantiser, BeatsIntegersOnLaplaceWeights) {
  const HostTensor tensor{"matrix", {256, 256}, laplace_values(256 * 256, 8)};
  const Subject subject{tensor, relative_importance(tensor)};
  QuantiserOptions narrow = only_scheme("rows");
  narrow.min_bits = 2;
  const auto rows = make_quantiser(subject, narrow);
  const auto codebook = make_quantiser(subject, only_scheme("codebook"));
  for (const double bits : {2.0, 2.5, 3.0}) {
    const double slope = slope_of(*rows, bits, tensor.values.size());
    const Forecast of_rows = rows->forecast(slope), of_codebook = codebook->forecast(slope);
    EXPECT_LT(of_codebook.distortion + slope * of_codebook.bits,
              of_rows.distortion + slope * of_rows.bits)
        << bits;
    const double rms =
        std::sqrt(weighted_distortion(subject, read_back(tensor, codebook->quantise(slope))));
    EXPECT_NEAR(rms, std::sqrt(of_codebook.distortion), 1e-3 * rms);
  }
}

}  // namespace
}  // namespace reprise
