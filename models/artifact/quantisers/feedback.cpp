#include "models/artifact/quantisers/feedback.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "models/artifact/quantisers/cholesky.h"

namespace reprise {
namespace {

std::vector<size_t> by_falling_diagonal(std::span<const double> hessian, size_t columns) {
  std::vector<size_t> order(columns);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater{},
                           [&](size_t j) { return hessian[j * columns + j]; });
  return order;
}

double mean_diagonal(std::span<const double> hessian, size_t columns) {
  double sum = 0;
  for (size_t j = 0; j < columns; ++j) sum += hessian[j * columns + j];
  return sum / static_cast<double>(columns);
}

/// Of row `step` in a strictly upper triangle stored end to end.
size_t start_of_row(size_t step, size_t columns) { return step * (2 * columns - step - 1) / 2; }

/// In steps, damped. A matrix that no input ever reached becomes the identity.
std::vector<double> damped(std::span<const double> hessian, std::span<const size_t> order) {
  const size_t columns = order.size();
  const double mean = mean_diagonal(hessian, columns);
  std::vector<double> matrix(columns * columns);
  for (size_t i = 0; i < columns; ++i) {
    for (size_t j = i; j < columns; ++j)
      matrix[i * columns + j] = hessian[order[i] * columns + order[j]];
    matrix[i * columns + i] += mean == 0 ? 1 : kDamping * mean;
  }
  return matrix;
}

}  // namespace

Feedback::Feedback(std::span<const double> hessian, size_t columns, std::string_view tensor)
    : order_(by_falling_diagonal(hessian, columns)), costs_(columns) {
  std::vector<double> factor = damped(hessian, order_);
  require(factorise_upper(factor, columns), ExitCode::kBadInput, "the Hessian of tensor ", tensor,
          " is not positive definite, with ", 100 * kDamping,
          " % of its mean diagonal added; measure it again on more text");
  feedback_.resize(columns * (columns - 1) / 2);
  for (size_t k = 0; k < columns; ++k) {
    const double root = factor[k * columns + k];
    costs_[order_[k]] = static_cast<float>(root * root);
  }
  for (size_t k = 0; k < columns; ++k)
    for (size_t j = k + 1; j < columns; ++j)
      feedback_[start_of_row(k, columns) + j - k - 1] =
          static_cast<float>(factor[k * columns + j] / factor[j * columns + j]);
}

void Feedback::load_block(std::span<const float> weights_RC, size_t first, size_t count,
                          std::vector<float>& block) const {
  block.resize(kBlockRows * columns());
  for (size_t row = 0; row < count; ++row)
    for (size_t step = 0; step < columns(); ++step)
      block[row * columns() + step] = weights_RC[(first + row) * columns() + order_[step]];
}

void Feedback::spread(float error, size_t step, float* row) const {
  const float* feedback = &feedback_[start_of_row(step, columns())];
  float* later = row + step + 1;
  const size_t count = columns() - step - 1;
  for (size_t j = 0; j < count; ++j) later[j] += error * feedback[j];
}

std::vector<float> with_feedback(std::vector<float> columns, std::span<const double> hessian,
                                 const Feedback& feedback) {
  double importance = 0, diagonal = 0;
  for (size_t j = 0; j < columns.size(); ++j) {
    importance += columns[j];
    diagonal += hessian[j * columns.size() + j];
  }
  const double factor = diagonal > 0 ? importance / diagonal : 0;
  for (size_t j = 0; j < columns.size(); ++j)
    columns[j] = static_cast<float>(factor * feedback.column_costs()[j]);
  return columns;
}

}  // namespace reprise
