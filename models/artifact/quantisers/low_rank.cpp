#include "models/artifact/quantisers/low_rank.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"

namespace reprise {
namespace {

/// Directions beside those asked for: the iteration converges by the singular value behind them.
constexpr size_t kSpareDirections = 8;
constexpr int kMostIterations = 40;
/// Of the captured squares: an iteration that adds a smaller share is the last.
constexpr double kLeastGain = 1e-4;
/// What of a direction lies within rounding of those before it is none of its own.
constexpr double kDependent = 1e-10;

/// Row-major; a tall one is a set of directions, one a column.
struct Directions {
  size_t rows = 0, columns = 0;
  std::vector<double> values;

  Directions(size_t r, size_t c) : rows(r), columns(c), values(r * c) {}
  double* row(size_t i) { return &values[i * columns]; }
  const double* row(size_t i) const { return &values[i * columns]; }
};

struct View {
  std::span<const double> values;
  size_t rows, columns;
};

void add_scaled(double* sum, double factor, const double* terms, size_t count) {
  for (size_t i = 0; i < count; ++i) sum[i] += factor * terms[i];
}

Directions times(const View& matrix, const Directions& directions) {
  Directions product(matrix.rows, directions.columns);
  for (size_t i = 0; i < matrix.rows; ++i)
    for (size_t j = 0; j < matrix.columns; ++j)
      add_scaled(product.row(i), matrix.values[i * matrix.columns + j], directions.row(j),
                 directions.columns);
  return product;
}

Directions transposed_times(const View& matrix, const Directions& directions) {
  Directions product(matrix.columns, directions.columns);
  for (size_t i = 0; i < matrix.rows; ++i)
    for (size_t j = 0; j < matrix.columns; ++j)
      add_scaled(product.row(j), matrix.values[i * matrix.columns + j], directions.row(i),
                 directions.columns);
  return product;
}

/// The columns before column k are orthonormal; takes out of it what it shares with them.
void take_out_shared(Directions& directions, size_t k) {
  std::vector<double> shared(k);
  for (size_t i = 0; i < directions.rows; ++i)
    add_scaled(shared.data(), directions.row(i)[k], directions.row(i), k);
  for (size_t i = 0; i < directions.rows; ++i) {
    double* row = directions.row(i);
    row[k] -= std::inner_product(shared.begin(), shared.end(), row, 0.0);
  }
}

double column_length(const Directions& matrix, size_t k) {
  double sum = 0;
  for (size_t i = 0; i < matrix.rows; ++i) sum += matrix.row(i)[k] * matrix.row(i)[k];
  return std::sqrt(sum);
}

/// Gram and Schmidt, twice for each direction, which is enough; dependent ones become zeros.
void orthonormalise(Directions& directions) {
  for (size_t k = 0; k < directions.columns; ++k) {
    const double before = column_length(directions, k);
    take_out_shared(directions, k);
    take_out_shared(directions, k);
    const double left = column_length(directions, k);
    const double factor = left > kDependent * before ? 1 / left : 0;
    for (size_t i = 0; i < directions.rows; ++i) directions.row(i)[k] *= factor;
  }
}

double sum_of_squares(const Directions& matrix) {
  return std::inner_product(matrix.values.begin(), matrix.values.end(), matrix.values.begin(), 0.0);
}

/// One rotation in the plane (p, q) that makes symmetric(p, q) zero, applied to `vectors` as well.
void rotate_plane(Directions& symmetric, Directions& vectors, size_t p, size_t q) {
  const double off = symmetric.row(p)[q];
  if (off == 0) return;
  const double theta = (symmetric.row(q)[q] - symmetric.row(p)[p]) / (2 * off);
  const double tangent = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
  const double cosine = 1 / std::sqrt(tangent * tangent + 1), sine = tangent * cosine;
  const auto turn = [&](double& a, double& b) {
    const double first = cosine * a - sine * b, second = sine * a + cosine * b;
    a = first;
    b = second;
  };
  const size_t length = symmetric.rows;
  for (size_t i = 0; i < length; ++i) turn(symmetric.row(i)[p], symmetric.row(i)[q]);
  for (size_t i = 0; i < length; ++i) turn(symmetric.row(p)[i], symmetric.row(q)[i]);
  for (size_t i = 0; i < length; ++i) turn(vectors.row(i)[p], vectors.row(i)[q]);
}

/// Eigenvectors of a small symmetric matrix, one a column, by falling eigenvalue (Jacobi's method).
Directions eigenvectors(Directions symmetric) {
  constexpr int kSweeps = 16;
  const size_t length = symmetric.rows;
  Directions vectors(length, length), sorted(length, length);
  for (size_t i = 0; i < length; ++i) vectors.row(i)[i] = 1;
  for (int sweep = 0; sweep < kSweeps; ++sweep)
    for (size_t p = 0; p + 1 < length; ++p)
      for (size_t q = p + 1; q < length; ++q) rotate_plane(symmetric, vectors, p, q);
  std::vector<size_t> order(length);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(
      order, [&](size_t a, size_t b) { return symmetric.row(a)[a] > symmetric.row(b)[b]; });
  for (size_t i = 0; i < length; ++i)
    for (size_t k = 0; k < length; ++k) sorted.row(i)[k] = vectors.row(i)[order[k]];
  return sorted;
}

Directions gram(const Directions& directions) {
  Directions product(directions.columns, directions.columns);
  for (size_t i = 0; i < directions.rows; ++i)
    for (size_t k = 0; k < directions.columns; ++k)
      add_scaled(product.row(k), directions.row(i)[k], directions.row(i), directions.columns);
  return product;
}

Directions random_start(size_t columns, size_t directions) {
  const RandomStream stream(0, Purpose::kSubspace);
  Directions start(columns, directions);
  for (size_t i = 0; i < start.values.size(); ++i) start.values[i] = stream.normal(i);
  return start;
}

}  // namespace

LowRank truncated_svd(std::span<const double> values, int64_t rows, int64_t columns, int64_t rank) {
  const View matrix{values, static_cast<size_t>(rows), static_cast<size_t>(columns)};
  const auto terms = static_cast<size_t>(rank);
  const size_t width = std::min({terms + kSpareDirections, matrix.rows, matrix.columns});
  Directions right = random_start(matrix.columns, width);
  orthonormalise(right);
  Directions left = times(matrix, right);
  double captured = sum_of_squares(left);
  for (int i = 0; i < kMostIterations; ++i) {
    right = transposed_times(matrix, left);
    orthonormalise(right);
    left = times(matrix, right);
    const double before = captured;
    captured = sum_of_squares(left);
    if (captured - before <= kLeastGain * captured) break;
  }
  const Directions turned = eigenvectors(gram(left));
  LowRank result{rank, std::vector<double>(matrix.rows * terms),
                 std::vector<double>(terms * matrix.columns)};
  for (size_t d = 0; d < width; ++d)
    for (size_t k = 0; k < terms; ++k) {
      const double share = turned.row(d)[k];
      for (size_t i = 0; i < matrix.rows; ++i) result.left[i * terms + k] += share * left.row(i)[d];
      for (size_t j = 0; j < matrix.columns; ++j)
        result.right[k * matrix.columns + j] += share * right.row(j)[d];
    }
  return result;
}

}  // namespace reprise
