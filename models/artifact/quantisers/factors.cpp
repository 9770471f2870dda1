#include "models/artifact/quantisers/factors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/low_rank.h"

namespace reprise {
namespace {

/// Weights of the singular value decomposition, mean 1. Below a hundredth a row or column counts as
/// one: undoing a smaller weight would blow up the codes of what hardly matters.
std::vector<double> root_weights(const std::vector<float>& importance) {
  constexpr double kLeast = 0.01;
  const double mean = std::accumulate(importance.begin(), importance.end(), 0.0) /
                      static_cast<double>(importance.size());
  std::vector<double> roots;
  for (const float weight : importance)
    roots.push_back(mean > 0 ? std::max(std::sqrt(weight / mean), kLeast) : 1);
  return roots;
}

/// The codes of one term on one side, and their scale.
struct Side {
  uint16_t scale = 1;  ///< binary16
  std::vector<int> codes;
};

int rounded_code(double value, double scale, int largest) {
  return static_cast<int>(std::clamp(std::nearbyint(value / scale), -1.0 * largest, 1.0 * largest));
}

/// With the scale, of a ladder down from the one that clips nothing, that loses least.
Side round_side(const std::vector<double>& values, const std::vector<double>& weights,
                int largest) {
  constexpr int kScales = 12;
  constexpr double kStep = 0.92;
  double most = 0, least = std::numeric_limits<double>::infinity();
  for (const double value : values) most = std::max(most, std::abs(value));
  Side best{1, std::vector<int>(values.size())};
  for (int i = 0; i < kScales && most > 0; ++i) {
    const double wanted = most / largest * std::pow(kStep, i);
    const uint16_t scale =
        std::max<uint16_t>(to_half(static_cast<float>(std::min<double>(wanted, kLargestHalf))), 1);
    const double unit = from_half(scale);
    double error = 0;
    for (size_t j = 0; j < values.size(); ++j) {
      const double missed = values[j] - unit * rounded_code(values[j], unit, largest);
      error += weights[j] * weights[j] * missed * missed;
    }
    if (error >= least) continue;
    least = error;
    best.scale = scale;
  }
  const double unit = from_half(best.scale);
  for (size_t j = 0; j < values.size() && most > 0; ++j)
    best.codes[j] = rounded_code(values[j], unit, largest);
  return best;
}

/// Solves gram x = rhs for every row of `rhs` [rows, rank], in place (Cholesky). A term that is
/// zero or depends on those before it gets 0.
void solve_each_row(std::vector<double> gram, size_t rank, std::vector<double>& rhs) {
  constexpr double kDependent = 1e-9;
  std::vector<double> diagonal(rank);
  for (size_t k = 0; k < rank; ++k) diagonal[k] = gram[k * rank + k];
  for (size_t k = 0; k < rank; ++k) {
    double pivot = gram[k * rank + k];
    for (size_t p = 0; p < k; ++p) pivot -= gram[k * rank + p] * gram[k * rank + p];
    const bool usable = pivot > kDependent * diagonal[k];
    gram[k * rank + k] = usable ? std::sqrt(pivot) : 0;
    for (size_t i = k + 1; i < rank; ++i) {
      double sum = gram[i * rank + k];
      for (size_t p = 0; p < k; ++p) sum -= gram[i * rank + p] * gram[k * rank + p];
      gram[i * rank + k] = usable ? sum / gram[k * rank + k] : 0;
    }
  }
  const auto divided = [&](double sum, size_t k) {
    return gram[k * rank + k] > 0 ? sum / gram[k * rank + k] : 0;
  };
  for (size_t first = 0; first < rhs.size(); first += rank) {
    double* x = &rhs[first];
    for (size_t k = 0; k < rank; ++k) {
      for (size_t p = 0; p < k; ++p) x[k] -= gram[k * rank + p] * x[p];
      x[k] = divided(x[k], k);
    }
    for (size_t k = rank; k-- > 0;) {
      for (size_t p = k + 1; p < rank; ++p) x[k] -= gram[p * rank + k] * x[p];
      x[k] = divided(x[k], k);
    }
  }
}

struct Fit {
  std::span<const float> matrix;
  size_t rows, columns, rank;
  std::vector<double> row_weights, column_weights;  ///< roots of the importance
  int largest;
};

/// The right factor under no weights any more: [rank][columns].
std::vector<Side> round_right(const Fit& fit, const LowRank& svd) {
  std::vector<Side> right;
  for (size_t k = 0; k < fit.rank; ++k) {
    std::vector<double> values(fit.columns);
    for (size_t j = 0; j < fit.columns; ++j)
      values[j] = svd.right[k * fit.columns + j] / fit.column_weights[j];
    right.push_back(round_side(values, fit.column_weights, fit.largest));
  }
  return right;
}

/// The best left factor [rows, rank] for this right one.
std::vector<double> fit_left(const Fit& fit, const std::vector<Side>& right) {
  std::vector<double> terms(fit.columns * fit.rank), weighted(fit.columns * fit.rank);
  for (size_t j = 0; j < fit.columns; ++j)
    for (size_t k = 0; k < fit.rank; ++k) {
      terms[j * fit.rank + k] = from_half(right[k].scale) * right[k].codes[j];
      weighted[j * fit.rank + k] =
          terms[j * fit.rank + k] * fit.column_weights[j] * fit.column_weights[j];
    }
  std::vector<double> gram(fit.rank * fit.rank), left(fit.rows * fit.rank);
  for (size_t j = 0; j < fit.columns; ++j)
    for (size_t k = 0; k < fit.rank; ++k)
      for (size_t p = 0; p < fit.rank; ++p)
        gram[k * fit.rank + p] += weighted[j * fit.rank + k] * terms[j * fit.rank + p];
  for (size_t i = 0; i < fit.rows; ++i)
    for (size_t j = 0; j < fit.columns; ++j)
      for (size_t k = 0; k < fit.rank; ++k)
        left[i * fit.rank + k] += fit.matrix[i * fit.columns + j] * weighted[j * fit.rank + k];
  solve_each_row(std::move(gram), fit.rank, left);
  return left;
}

std::vector<Side> round_left(const Fit& fit, const std::vector<double>& left) {
  std::vector<Side> sides;
  for (size_t k = 0; k < fit.rank; ++k) {
    std::vector<double> values(fit.rows);
    for (size_t i = 0; i < fit.rows; ++i) values[i] = left[i * fit.rank + k];
    sides.push_back(round_side(values, fit.row_weights, fit.largest));
  }
  return sides;
}

std::string write_factors(const Fit& fit, const std::vector<Side>& left,
                          const std::vector<Side>& right) {
  std::string stream;
  for (const auto* sides : {&left, &right})
    for (const Side& side : *sides) append_half(stream, side.scale);
  for (size_t i = 0; i < fit.rows; ++i)
    for (const Side& side : left) stream += static_cast<char>(side.codes[i]);
  for (const Side& side : right)
    for (const int code : side.codes) stream += static_cast<char>(code);
  return stream;
}

double factor_entropy(std::string_view codes) {
  std::array<double, 256> counts{};
  for (const char code : codes) ++counts[static_cast<uint8_t>(code)];
  double bits = 0;
  for (const double count : counts)
    if (count > 0) bits += count * std::log2(static_cast<double>(codes.size()) / count);
  return bits;
}

float signed_code(std::string_view codes, size_t index) {
  return static_cast<float>(static_cast<signed char>(codes[index]));
}

}  // namespace

int64_t factor_bytes(const FactorShape& shape) {
  return shape.rank * (4 + shape.rows + shape.columns);
}

void add_factors(const FactorShape& shape, std::string_view stream, std::span<float> values) {
  const auto rows = static_cast<size_t>(shape.rows), columns = static_cast<size_t>(shape.columns);
  const auto rank = static_cast<size_t>(shape.rank);
  const std::string_view left = stream.substr(4 * rank), right = left.substr(rows * rank);
  std::vector<float> terms(rank * columns);
  for (size_t k = 0; k < rank; ++k)
    for (size_t j = 0; j < columns; ++j)
      terms[k * columns + j] = half_at(stream, rank + k) * signed_code(right, k * columns + j);
  for (size_t i = 0; i < rows; ++i)
    for (size_t k = 0; k < rank; ++k) {
      const float factor = half_at(stream, k) * signed_code(left, i * rank + k);
      for (size_t j = 0; j < columns; ++j)
        values[i * columns + j] += factor * terms[k * columns + j];
    }
}

std::string fit_factors(std::span<const float> matrix, const FactorShape& shape,
                        const Importance& importance, int largest_code) {
  const Fit fit{matrix,
                static_cast<size_t>(shape.rows),
                static_cast<size_t>(shape.columns),
                static_cast<size_t>(shape.rank),
                root_weights(importance.rows),
                root_weights(importance.columns),
                largest_code};
  std::vector<double> weighted(matrix.size());
  for (size_t i = 0; i < fit.rows; ++i)
    for (size_t j = 0; j < fit.columns; ++j)
      weighted[i * fit.columns + j] =
          fit.row_weights[i] * fit.column_weights[j] * matrix[i * fit.columns + j];
  const LowRank svd = truncated_svd(weighted, shape.rows, shape.columns, shape.rank);
  const std::vector<Side> right = round_right(fit, svd);
  return write_factors(fit, round_left(fit, fit_left(fit, right)), right);
}

double forecast_factor_bits(const FactorShape& shape, std::string_view stream) {
  const auto scales = static_cast<size_t>(4 * shape.rank);
  const auto left = static_cast<size_t>(shape.rows * shape.rank);
  return 32.0 * static_cast<double>(shape.rank) + factor_entropy(stream.substr(scales, left)) +
         factor_entropy(stream.substr(scales + left));
}

}  // namespace reprise
