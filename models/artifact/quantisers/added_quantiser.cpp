#include "models/artifact/quantisers/added_quantiser.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/artifact/quantisers/additions.h"
#include "models/artifact/quantisers/factors.h"
#include "models/artifact/quantisers/hadamard.h"
#include "models/artifact/quantisers/half_quantiser.h"

namespace reprise {
namespace {

/// The slope at which a body's errors choose the columns, for weights whose squares count 1 on
/// average: distortion is then 2^-7 / (2 ln 2), four bits a weight.
constexpr double kColumnsSlope = 1.0 / 128;

std::vector<size_t> columns_to_keep(const Subject& subject, double share,
                                    const MakeBody& make_body) {
  const double columns = static_cast<double>(subject.importance.columns.size());
  const double count = std::clamp(std::round(share * columns), 1.0, columns - 1);
  if (count < 1) return {};
  const std::vector<float> zeros(subject.tensor.values.size());
  const double energy = weighted_distortion(subject, zeros) / static_cast<double>(zeros.size());
  const auto quantised = make_body(subject)->quantise(kColumnsSlope * energy);
  return worst_columns(subject, dequantise(quantised, subject.tensor), static_cast<size_t>(count));
}

/// What a binary16 of the weights codes to, about (measured: 11 to 13.4).
constexpr double kColumnValueBits = 13;

}  // namespace

std::vector<size_t> worst_columns(const Subject& subject, const std::vector<float>& quantised,
                                  size_t count) {
  const auto& [row_weights, column_weights] = subject.importance;
  const size_t columns = column_weights.size();
  std::vector<double> errors(columns);
  for (size_t i = 0; i < row_weights.size(); ++i)
    for (size_t j = 0; j < columns; ++j) {
      const double error = subject.tensor.values[i * columns + j] - quantised[i * columns + j];
      errors[j] += row_weights[i] * error * error;
    }
  for (size_t j = 0; j < columns; ++j)
    errors[j] *= subject.hessian ? (*subject.hessian)[j * columns + j] : column_weights[j];
  std::vector<size_t> order(columns);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return errors[a] > errors[b]; });
  order.resize(count);
  std::ranges::sort(order);
  return order;
}

AddedQuantiser::AddedQuantiser(const Subject& subject, const Additions& additions,
                               const MakeBody& make_body)
    : tensor_(subject.tensor), importance_(subject.importance) {
  std::vector<double> hessian;
  if (subject.hessian) hessian = *subject.hessian;
  if (!additions.outliers.empty()) keep_columns(additions.outliers, hessian);
  if (additions.rotated) rotate(hessian);
  if (additions.rank > 0) take_low_rank(additions.rank, hessian);
  body_ = make_body({.tensor = tensor_,
                     .importance = importance_,
                     .hessian = hessian.empty() ? nullptr : &hessian,
                     .finer_bits = subject.finer_bits});
}

/// The body has zeros there, and since its errors there come to nothing no other column makes up
/// for them.
void AddedQuantiser::keep_columns(const std::vector<size_t>& columns,
                                  std::vector<double>& hessian) {
  const size_t width = importance_.columns.size(), rows = importance_.rows.size();
  const int64_t bytes = index_bytes(static_cast<int64_t>(width));
  for (const size_t column : columns) {
    for (int64_t byte = 0; byte < bytes; ++byte)
      indices_ += static_cast<char>(column >> 8 * byte & 0xff);
    for (size_t i = 0; i < rows; ++i) {
      append_half(columns_, to_half(tensor_.values[i * width + column]));
      tensor_.values[i * width + column] = 0;
    }
    importance_.columns[column] = 0;
    for (size_t j = 0; j < width && !hessian.empty(); ++j)
      hessian[j * width + column] = hessian[column * width + j] = 0;
  }
  added_.outliers = std::ssize(columns);
  added_bits_ += 8.0 * static_cast<double>(indices_.size()) +
                 kColumnValueBits * static_cast<double>(columns.size() * rows);
}

void AddedQuantiser::rotate(std::vector<double>& hessian) {
  const auto width = std::ssize(importance_.columns);
  rotate_rows(tensor_.values, width);
  rotate_diagonal(importance_.columns);
  if (!hessian.empty()) rotate_hessian(hessian, width);
  added_.rotated = 1;
}

/// Of the tensor, not of what a body leaves of it. That is noise, of which few directions hold no
/// more than their share; what large directions hold of the tensor itself makes its rows coarse.
/// (Embedding of a small trained model, rank 4, distortion + slope * bits against the plain body's:
/// 0.95 at four bits and 0.92 at three; of what the body leaves 0.999 and 0.98.)
void AddedQuantiser::take_low_rank(int64_t rank, const std::vector<double>& hessian) {
  const FactorShape shape{std::ssize(importance_.rows), std::ssize(importance_.columns), rank};
  Importance importance = importance_;
  for (size_t j = 0; j < importance.columns.size() && !hessian.empty(); ++j)
    importance.columns[j] = static_cast<float>(hessian[j * importance.columns.size() + j]);
  factors_ = fit_factors(tensor_.values, shape, importance, kLargestInt4);
  std::vector<float> product(tensor_.values.size());
  add_factors(shape, factors_, product);
  for (size_t i = 0; i < product.size(); ++i) tensor_.values[i] -= product[i];
  added_.rank = rank;
  added_bits_ += forecast_factor_bits(shape, factors_);
}

Forecast AddedQuantiser::forecast(double slope) const {
  Forecast forecast = body_->forecast(slope);
  forecast.bits += added_bits_;
  return forecast;
}

QuantisedTensor AddedQuantiser::quantise(double slope) const {
  QuantisedTensor quantised = body_->quantise(slope);
  quantised.form.outliers = added_.outliers;
  quantised.form.rotated = added_.rotated;
  if (added_.rank > 0) {
    quantised.form.rank = added_.rank;
    quantised.streams.push_back(factors_);
  }
  if (added_.outliers > 0) quantised.streams.insert(quantised.streams.end(), {indices_, columns_});
  return quantised;
}

std::vector<std::unique_ptr<Quantiser>> make_ways(Scheme scheme, const Subject& subject,
                                                  const QuantiserOptions& options,
                                                  const MakeBody& make_body) {
  const auto rows = std::ssize(subject.importance.rows);
  const auto columns = std::ssize(subject.importance.columns);
  std::vector<std::vector<size_t>> outliers{{}};
  std::vector<bool> rotations{false};
  std::vector<int64_t> ranks{0};
  if (takes_additions(scheme)) {
    if (options.outlier_share > 0)
      outliers.push_back(columns_to_keep(subject, options.outlier_share, make_body));
    if (options.rotate != Rotate::kNone && columns % 2 == 0) {
      rotations.push_back(true);
      if (options.rotate == Rotate::kAll) rotations.erase(rotations.begin());
    }
    const bool has_own_branch = scheme == Scheme::kBinary;
    if (options.residual_rank > 0 && !has_own_branch)
      ranks.push_back(std::min({options.residual_rank, rows, columns}));
  }
  std::vector<std::unique_ptr<Quantiser>> ways;
  for (const auto& kept : outliers)
    for (const bool rotated : rotations)
      for (const int64_t rank : ranks)
        ways.push_back(kept.empty() && !rotated && rank == 0
                           ? make_body(subject)
                           : std::make_unique<AddedQuantiser>(
                                 subject, Additions{kept, rotated, rank}, make_body));
  return ways;
}

void drop_never_best(std::vector<std::unique_ptr<Quantiser>>& ways) {
  constexpr double kNearlyEqual = 1.001;
  if (ways.size() == 1) return;
  std::vector<bool> taken(ways.size());
  for (int log2_slope = -40; log2_slope <= 8; ++log2_slope) {
    const double slope = std::exp2(log2_slope);
    std::vector<double> costs;
    for (const auto& way : ways) {
      const Forecast forecast = way->forecast(slope);
      costs.push_back(forecast.distortion + slope * forecast.bits);
    }
    const double enough = kNearlyEqual * *std::ranges::min_element(costs);
    const auto first = std::ranges::find_if(costs, [&](double cost) { return cost <= enough; });
    taken[static_cast<size_t>(first - costs.begin())] = true;
  }
  size_t way = 0;
  std::erase_if(ways, [&](const auto&) { return !taken[way++]; });
}

}  // namespace reprise
