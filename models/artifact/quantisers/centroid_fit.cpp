#include "models/artifact/quantisers/centroid_fit.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "models/artifact/quantisers/least_squares.h"

namespace reprise {
namespace {

/// W_i - its quantised row, times H: the gradient of half the row's error by its weights, negated.
struct RowError {
  std::vector<double> error, pulled;

  void set(const Subject& subject, const IndexedMatrix& matrix, size_t row) {
    const size_t columns = subject.importance.columns.size();
    error.resize(columns);
    pulled.assign(columns, 0);
    for (size_t i = 0; i < columns; ++i) {
      const size_t at = row * columns + i;
      const double quantised = static_cast<double>(matrix.scales[row]) *
                               matrix.centroids[static_cast<uint8_t>(matrix.indices[at])];
      error[i] = subject.tensor.values[at] - quantised;
    }
    for (size_t i = 0; i < columns; ++i) {
      const double* of_column = &(*subject.hessian)[i * columns];
      for (size_t k = 0; k < columns; ++k) pulled[k] += error[i] * of_column[k];
    }
  }
};

/// Normal equations of a step of the centroids: Z^T H Z step = Z^T H error, where row j of Z has a
/// one at the index of weight j.
class NormalEquations {
 public:
  NormalEquations(const Subject& subject, const IndexedMatrix& matrix)
      : subject_(subject),
        matrix_(matrix),
        entries_(matrix.centroids.size()),
        columns_(subject.importance.columns.size()),
        gathered_(entries_ * columns_),
        left_(entries_ * entries_),
        right_(entries_) {}

  void add(size_t row) {
    const double scale = matrix_.scales[row], importance = subject_.importance.rows[row];
    if (scale == 0 || importance == 0) return;
    error_.set(subject_, matrix_, row);
    gather(row);
    for (size_t k = 0; k < columns_; ++k) {
      const size_t entry = index(row, k);
      right_[entry] += importance * scale * error_.pulled[k];
      for (size_t other = entry; other < entries_; ++other)
        left_[entry * entries_ + other] +=
            importance * scale * scale * gathered_[other * columns_ + k];
    }
  }

  std::vector<double> solve() {
    return solve_least_squares(left_, right_) ? right_ : std::vector<double>(entries_);
  }

 private:
  size_t index(size_t row, size_t column) const {
    return static_cast<uint8_t>(matrix_.indices[row * columns_ + column]);
  }

  /// The rows of H summed by index.
  void gather(size_t row) {
    std::ranges::fill(gathered_, 0);
    for (size_t j = 0; j < columns_; ++j) {
      const double* of_column = &(*subject_.hessian)[j * columns_];
      double* sum = &gathered_[index(row, j) * columns_];
      for (size_t k = 0; k < columns_; ++k) sum[k] += of_column[k];
    }
  }

  const Subject& subject_;
  const IndexedMatrix& matrix_;
  size_t entries_, columns_;
  std::vector<double> gathered_;  ///< [entries, columns]
  std::vector<double> left_, right_;
  RowError error_;
};

}  // namespace

std::vector<float> fit_centroids(const Subject& subject, const IndexedMatrix& matrix) {
  NormalEquations equations(subject, matrix);
  for (size_t row = 0; row < matrix.scales.size(); ++row) equations.add(row);
  const std::vector<double> step = equations.solve();
  std::vector<float> centroids = matrix.centroids;
  for (size_t i = 0; i < centroids.size(); ++i) centroids[i] += static_cast<float>(step[i]);
  return centroids;
}

double output_error(const Subject& subject, const IndexedMatrix& matrix) {
  double sum = 0;
  RowError row_error;
  for (size_t row = 0; row < matrix.scales.size(); ++row) {
    row_error.set(subject, matrix, row);
    sum += subject.importance.rows[row] * std::inner_product(row_error.error.begin(),
                                                             row_error.error.end(),
                                                             row_error.pulled.begin(), 0.0);
  }
  return sum;
}

}  // namespace reprise
