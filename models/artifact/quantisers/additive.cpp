#include "models/artifact/quantisers/additive.h"

#include <algorithm>

#include "base/error.h"
#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/least_squares.h"

namespace reprise {
namespace {

/// The codes of one stream as indices into a codebook's numbers.
size_t offset_of(std::string_view codes, size_t at, const Codebook& codebook) {
  const auto code = static_cast<uint8_t>(codes[at]);
  require(code < codebook.size(), ExitCode::kBadInput, "the code ", static_cast<int>(code),
          " into a codebook of ", codebook.size());
  return code * codebook.vector;
}

/// The normal equations of every entry of a codebook, vector x vector each.
class EntryEquations {
 public:
  EntryEquations(size_t entries, size_t vector)
      : vector_(vector), left_(entries * vector * vector), right_(entries * vector) {}

  /// `target` counts for `entry` by weight * metric.
  void add(size_t entry, double weight, const float* metric, std::span<const double> target) {
    double* left = &left_[entry * vector_ * vector_];
    double* right = &right_[entry * vector_];
    for (size_t i = 0; i < vector_; ++i)
      for (size_t k = 0; k < vector_; ++k) {
        const double of_both = weight * metric[i * vector_ + k];
        left[i * vector_ + k] += of_both;
        right[i] += of_both * target[k];
      }
  }

  /// To `values`, where there is anything to solve.
  void solve(size_t entry, float* values) {
    const std::span left = std::span(left_).subspan(entry * vector_ * vector_, vector_ * vector_);
    const std::span right = std::span(right_).subspan(entry * vector_, vector_);
    if (solve_least_squares(left, right)) std::ranges::copy(right, values);
  }

 private:
  size_t vector_;
  std::vector<double> left_, right_;
};

}  // namespace

int64_t vectors_of_row(int64_t columns, int64_t vector) { return (columns + vector - 1) / vector; }

/// Solved as steps from the entries that are there, so that the ridge pulls to them.
void fit_codebook(const VectorProblem& problem, const VectorCodes& codes, size_t which,
                  Codebooks& codebooks) {
  Codebook& fitted = codebooks[which];
  const Codebook& other = codebooks[1 - which];
  const size_t vector = problem.vector;
  EntryEquations equations(fitted.size(), vector);
  std::vector<double> error(vector);
  for (size_t group = 0; group < problem.groups; ++group)
    for (size_t row = 0; row < problem.rows; ++row) {
      const size_t at = group * problem.rows + row;
      const float* value = problem.at(group, row);
      const float* now = fitted.at(codes[which][at]);
      const float* rest = other.at(codes[1 - which][at]);
      for (size_t i = 0; i < vector; ++i)
        error[i] = static_cast<double>(value[i]) - rest[i] - now[i];
      equations.add(codes[which][at], problem.row_weights[row], problem.metric(group), error);
    }
  std::vector<float> step(vector);
  for (size_t entry = 0; entry < fitted.size(); ++entry) {
    std::ranges::fill(step, 0.0F);
    equations.solve(entry, step.data());
    for (size_t i = 0; i < vector; ++i) fitted.entries[entry * vector + i] += step[i];
  }
}

std::vector<float> dequantise_additive(const TensorShape& shape,
                                       std::span<const std::string_view> streams) {
  const auto rows = static_cast<size_t>(shape.rows());
  const auto columns = static_cast<size_t>(shape.columns());
  const auto vector = static_cast<size_t>(shape.form.vector);
  const size_t groups = (columns + vector - 1) / vector;
  const std::string_view books = streams[1];
  const Codebook first{vector, dequantise_half(books.substr(0, books.size() / 2))};
  const Codebook second{vector, dequantise_half(books.substr(books.size() / 2))};
  std::vector<float> values(rows * columns);
  for (size_t row = 0; row < rows; ++row) {
    const float scale = half_at(streams[0], row);
    for (size_t group = 0; group < groups; ++group) {
      const float* a = &first.entries[offset_of(streams[2], row * groups + group, first)];
      const float* b = &second.entries[offset_of(streams[3], row * groups + group, second)];
      const size_t start = group * vector, end = std::min(start + vector, columns);
      for (size_t i = start; i < end; ++i)
        values[row * columns + i] = scale * (a[i - start] + b[i - start]);
    }
  }
  return values;
}

}  // namespace reprise
