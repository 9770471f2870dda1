#include "models/artifact/quantisers/binary_quantiser.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "models/artifact/quantisers/half_quantiser.h"

namespace reprise {
namespace {

constexpr std::array<int64_t, 6> kRanks{0, 2, 4, 8, 16, 32};
/// After the branch has taken the tensor's own largest directions. One more turn gives 0.04 dB.
constexpr int kTurns = 2;
/// What the mean of a row codes to, about: a binary16 of no ladder.
constexpr double kMeanBits = 12;

struct Body {
  std::string scales, signs;
};

/// The best signs and scales: a row's scale is the mean of |weight| by the columns' importance.
Body fit_body(const std::vector<float>& weights, const std::vector<float>& column_importance) {
  const size_t columns = column_importance.size(), rows = weights.size() / columns;
  const auto row_bytes = static_cast<size_t>(sign_bytes(static_cast<int64_t>(columns)));
  Body body{{}, std::string(rows * row_bytes, '\0')};
  for (size_t i = 0; i < rows; ++i) {
    double sum = 0, total = 0;
    for (size_t j = 0; j < columns; ++j) {
      const float weight = weights[i * columns + j];
      sum += column_importance[j] * std::abs(weight);
      total += column_importance[j];
      if (weight < 0) body.signs[i * row_bytes + j / 8] |= static_cast<char>(1 << j % 8);
    }
    const double mean = total > 0 ? std::min<double>(sum / total, kLargestHalf) : 0;
    append_half(body.scales, to_half(static_cast<float>(mean)));
  }
  return body;
}

std::vector<float> difference(const std::vector<float>& from, const std::vector<float>& what) {
  std::vector<float> left(from.size());
  for (size_t i = 0; i < from.size(); ++i) left[i] = from[i] - what[i];
  return left;
}

}  // namespace

int64_t sign_bytes(int64_t columns) { return (columns + 7) / 8; }

std::vector<float> dequantise_binary(std::string_view scales, std::string_view signs,
                                     int64_t columns) {
  const size_t rows = scales.size() / 2, width = static_cast<size_t>(columns);
  const auto row_bytes = static_cast<size_t>(sign_bytes(columns));
  std::vector<float> values(rows * width);
  for (size_t i = 0; i < rows; ++i) {
    const float scale = half_at(scales, i);
    for (size_t j = 0; j < width; ++j)
      values[i * width + j] = signs[i * row_bytes + j / 8] >> j % 8 & 1 ? -scale : scale;
  }
  return values;
}

BinaryQuantiser::BinaryQuantiser(const Subject& subject)
    : rows_(static_cast<double>(subject.importance.rows.size())),
      columns_(static_cast<double>(subject.importance.columns.size())) {
  for (const int64_t rank : kRanks)
    if (rank <= std::min(rows_, columns_)) points_.push_back(fit(subject, rank));
}

BinaryQuantiser::Point BinaryQuantiser::fit(const Subject& subject, int64_t rank) {
  const std::vector<float>& weights = subject.tensor.values;
  const auto columns = std::ssize(subject.importance.columns);
  const FactorShape shape{std::ssize(subject.importance.rows), columns, rank};
  const auto branch_for = [&](const std::vector<float>& what) {
    return rank > 0 ? fit_factors(what, shape, subject.importance, kLargestInt8) : "";
  };
  const auto body_beside = [&](std::string_view branch) {
    std::vector<float> of_branch(weights.size());
    add_factors(shape, branch, of_branch);
    return fit_body(difference(weights, of_branch), subject.importance.columns);
  };
  std::string branch = branch_for(weights);
  Body body = body_beside(branch);
  for (int turn = 0; turn < kTurns && rank > 0; ++turn) {
    branch = branch_for(difference(weights, dequantise_binary(body.scales, body.signs, columns)));
    body = body_beside(branch);
  }
  std::vector<float> values = dequantise_binary(body.scales, body.signs, columns);
  add_factors(shape, branch, values);
  const double bits = static_cast<double>(8 * body.signs.size()) +
                      kMeanBits * static_cast<double>(shape.rows) +
                      forecast_factor_bits(shape, branch);
  return {rank,
          {bits, weighted_distortion(subject, values)},
          std::move(body.scales),
          std::move(body.signs),
          std::move(branch)};
}

const BinaryQuantiser::Point& BinaryQuantiser::best(double slope) const {
  return *std::ranges::min_element(points_, {}, [&](const Point& point) {
    return point.cost.distortion + slope * point.cost.bits;
  });
}

Forecast BinaryQuantiser::forecast(double slope) const { return best(slope).cost; }

QuantisedTensor BinaryQuantiser::quantise(double slope) const {
  const Point& point = best(slope);
  QuantisedTensor quantised{
      .form = {.scheme = Scheme::kBinary, .rank = point.rank},
      .streams = {point.scales, point.signs},
      .nominal_bits = 1 + 8 * static_cast<double>(point.rank) * (1 / rows_ + 1 / columns_)};
  if (point.rank > 0) quantised.streams.push_back(point.branch);
  return quantised;
}

}  // namespace reprise
