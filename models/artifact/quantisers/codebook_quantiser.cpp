#include "models/artifact/quantisers/codebook_quantiser.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "models/artifact/quantisers/centroid_fit.h"
#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/lower_hull.h"
#include "models/artifact/quantisers/row_quantiser.h"
#include "models/artifact/quantisers/scales.h"

namespace reprise {
namespace {

constexpr std::array<size_t, 7> kEntries{4, 8, 16, 32, 64, 128, 256};

/// From the price at which a bit is hardly worth its bytes to the one where all weights are one
/// number; each this much above the one before.
constexpr double kPriceStep = 1.2;
constexpr double kLeastPrice = 0.25;  ///< in errors of a weight where bits are free
constexpr double kLeastError = 1e-7;  ///< of the energy: where every weight has its own centroid

}  // namespace

CodebookQuantiser::CodebookQuantiser(Subject subject)
    : subject_(std::move(subject)),
      weights_(subject_.tensor.values),
      rows_(static_cast<size_t>(subject_.tensor.shape[0])),
      columns_(weights_.size() / rows_) {
  if (subject_.hessian) {
    hessian_ = *subject_.hessian;
    subject_.hessian = &hessian_;
  }
  std::vector<uint16_t> of_rows;
  for (const double rms : row_rms(weights_, rows_))
    of_rows.push_back(nearest_rung(rms, kScaleRungs));
  add_scaled(std::move(of_rows), kScaleBits);
  add_scaled(std::vector<uint16_t>(rows_, nearest_rung(row_rms(weights_, 1)[0], kScaleRungs)), 0);
  for (size_t scaled = 0; scaled < scaled_.size(); ++scaled) add_points(scaled);
  keep_lower_hull(points_, [](const Point& point) { return point.forecast; });
}

void CodebookQuantiser::add_scaled(std::vector<uint16_t> scales, double scale_bits) {
  float largest = 0;
  for (size_t i = 0; i < weights_.size(); ++i)
    largest = std::max(largest, std::abs(weights_[i]) * inverse_scale(scales[i / columns_]));
  Histogram histogram(largest);
  double lost = 0;
  for (size_t row = 0; row < rows_; ++row) {
    const double scale = from_half(scales[row]);
    const double importance = subject_.importance.rows[row];
    for (size_t i = 0; i < columns_; ++i) {
      const double weight = weights_[row * columns_ + i];
      const double of_weight = importance * subject_.importance.columns[i];
      histogram.add(weights_[row * columns_ + i] * inverse_scale(scales[row]),
                    of_weight * scale * scale);
      if (scale == 0) lost += of_weight * weight * weight;
    }
  }
  scaled_.push_back({std::move(scales), scale_bits, lost, std::move(histogram)});
}

void CodebookQuantiser::add_points(size_t scaled) {
  Histogram::Sums all;
  for (const Histogram::Sums& sums : scaled_[scaled].histogram.sums()) all += sums;
  const ScalarKMeans kmeans(scaled_[scaled].histogram);
  const LineDivision division = kmeans.divide(kEntries.back());
  for (const size_t entries : kEntries) {
    ScalarCodebook codebook = kmeans.fit(division, std::min(entries, weights_.size()));
    const double error = std::max(codebook.distortion, kLeastError * all.second);
    add_point(scaled, codebook);
    for (double price = kLeastPrice * error / all.count; codebook.centroids.size() > 1 && price > 0;
         price *= kPriceStep) {
      codebook = kmeans.fit(std::move(codebook), price);
      add_point(scaled, codebook);
    }
  }
}

/// Centroids are rounded to binary16 here, so that the distortion is that of what is stored.
void CodebookQuantiser::add_point(size_t scaled, ScalarCodebook codebook) {
  const std::vector<Histogram::Sums>& sums = scaled_[scaled].histogram.sums();
  Point point{.scaled = scaled, .codebook = {}, .forecast = {}};
  point.forecast.distortion = scaled_[scaled].lost;
  for (size_t entry = 0; entry < codebook.centroids.size(); ++entry) {
    float& centroid = codebook.centroids[entry];
    centroid = from_half(to_half(centroid));
    const size_t end =
        entry + 1 < codebook.firsts.size() ? codebook.firsts[entry + 1] : sums.size();
    for (size_t bin = codebook.firsts[entry]; bin < end; ++bin)
      point.forecast.distortion += sums[bin].error(centroid);
  }
  point.forecast.bits = codebook.entropy_bits +
                        16 * static_cast<double>(codebook.centroids.size()) +
                        scaled_[scaled].scale_bits * static_cast<double>(rows_);
  point.codebook = std::move(codebook);
  points_.push_back(std::move(point));
}

const CodebookQuantiser::Point& CodebookQuantiser::best(double slope) const {
  return *std::ranges::min_element(points_, {}, [&](const Point& point) {
    return point.forecast.distortion + slope * point.forecast.bits;
  });
}

Forecast CodebookQuantiser::forecast(double slope) const { return best(slope).forecast; }

std::string CodebookQuantiser::indices(const Point& point) const {
  const Scaled& scaled = scaled_[point.scaled];
  std::vector<char> of_bin(scaled.histogram.bins());
  for (size_t entry = 0; entry < point.codebook.firsts.size(); ++entry)
    std::fill(of_bin.begin() + static_cast<ptrdiff_t>(point.codebook.firsts[entry]), of_bin.end(),
              static_cast<char>(entry));
  std::string result(weights_.size(), 0);
  for (size_t i = 0; i < weights_.size(); ++i)
    result[i] =
        of_bin[scaled.histogram.bin(weights_[i] * inverse_scale(scaled.scales[i / columns_]))];
  return result;
}

/// Those of the point are the importance-weighted means of their weights already.
const std::vector<float>& CodebookQuantiser::centroids(const Point& point,
                                                       std::string_view indices) const {
  if (subject_.hessian == nullptr) return point.codebook.centroids;
  if (!point.fitted.empty()) return point.fitted;
  IndexedMatrix matrix{.scales = {}, .indices = indices, .centroids = point.codebook.centroids};
  for (const uint16_t scale : scaled_[point.scaled].scales)
    matrix.scales.push_back(from_half(scale));
  point.fitted = fit_centroids(subject_, matrix);
  for (float& centroid : point.fitted) centroid = std::clamp(centroid, -kLargestHalf, kLargestHalf);
  return point.fitted;
}

QuantisedTensor CodebookQuantiser::quantise(double slope) const {
  const Point& point = best(slope);
  const std::string of_weights = indices(point);
  std::string scales, codebook;
  for (const uint16_t scale : scaled_[point.scaled].scales) append_half(scales, scale);
  for (const float centroid : centroids(point, of_weights))
    append_half(codebook, to_half(centroid));
  const size_t entries = point.codebook.centroids.size();
  return {.form = {.scheme = Scheme::kCodebook, .entries = static_cast<int64_t>(entries)},
          .streams = {std::move(scales), std::move(codebook), centre_indices(of_weights, entries)},
          .nominal_bits = std::log2(static_cast<double>(entries))};
}

std::string centre_indices(std::string indices, size_t entries) {
  for (char& index : indices) index = static_cast<char>(static_cast<uint8_t>(index) - entries / 2);
  return indices;
}

std::vector<float> dequantise_codebook(std::string_view scales, std::string_view codebook,
                                       std::string_view codes) {
  const size_t rows = scales.size() / 2, columns = codes.size() / rows;
  const std::vector<float> centroids = dequantise_half(codebook);
  std::vector<float> values(codes.size());
  for (size_t row = 0; row < rows; ++row) {
    const float scale = half_at(scales, row);
    for (size_t i = row * columns; i < (row + 1) * columns; ++i) {
      const auto index =
          static_cast<uint8_t>(static_cast<uint8_t>(codes[i]) + centroids.size() / 2);
      require(index < centroids.size(), ExitCode::kBadInput, "the index ", static_cast<int>(index),
              " into a codebook of ", centroids.size());
      values[i] = scale * centroids[index];
    }
  }
  return values;
}

}  // namespace reprise
