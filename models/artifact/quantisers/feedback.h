// Rounding with error feedback: the error of a weight is made good by those of its row that are
// rounded after it, so that W x changes least over the inputs the matrix has seen.
//
// With H = sum x x^T = (A + I) D (A + I)^T, A strictly upper triangular and D diagonal, weight j is
// rounded after adding sum_{k < j} (w_k - q_k) A_kj. This is GPTQ (Frantar et al.,
// arXiv:2210.17323) in the form of Chee et al., "QuIP", arXiv:2307.13304, section 3 and theorem 6,
// which needs no inverse; and where rounding errors are independent of each other the whole error
// dW H dW^T is sum_j D_j (error of j)^2. Columns are taken in falling order of H_jj, as in GPTQ's
// act-order.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace reprise {

/// Of the mean of H's diagonal, added to the diagonal: GPTQ's.
inline constexpr double kDamping = 0.01;

class Feedback {
 public:
  /// `hessian` [C, C], row-major. Throws kBadInput, naming `tensor`, where it is not positive
  /// definite although damped.
  Feedback(std::span<const double> hessian, size_t columns, std::string_view tensor);

  size_t columns() const { return order_.size(); }
  /// D_j of every column: what its rounding errors cost.
  const std::vector<float>& column_costs() const { return costs_; }

  /// Calls round(row, column, wanted) once for every weight, a row's columns in their order;
  /// `wanted` is the weight and what the errors before it ask for, the result what it will be
  /// decoded to. `weights_RC` row-major. Rows do not depend on each other.
  template <class Round>
  void round_rows(std::span<const float> weights_RC, Round round) const {
    const size_t rows = weights_RC.size() / columns();
    std::vector<float> block;
    for (size_t first = 0; first < rows; first += kBlockRows) {
      const size_t count = rows - first < kBlockRows ? rows - first : kBlockRows;
      load_block(weights_RC, first, count, block);
      for (size_t step = 0; step < columns(); ++step)
        for (size_t row = 0; row < count; ++row) {
          float* wanted = &block[row * columns()];
          const size_t column = order_[step];
          const float decoded = round(first + row, column, wanted[step]);
          const float error = weights_RC[(first + row) * columns() + column] - decoded;
          if (error != 0) spread(error, step, wanted);
        }
    }
  }

 private:
  static constexpr size_t kBlockRows = 16;  ///< read a row of A together

  void load_block(std::span<const float> weights_RC, size_t first, size_t count,
                  std::vector<float>& block) const;
  /// Adds error * A[step, later] to what later columns are to be.
  void spread(float error, size_t step, float* row) const;

  std::vector<size_t> order_;    ///< of step, its column
  std::vector<float> costs_;     ///< of column
  std::vector<float> feedback_;  ///< A in steps: row k has the columns behind k, end to end
};

/// The importance of columns whose errors are fed back: what is left of each one's share of the
/// whole.
std::vector<float> with_feedback(std::vector<float> columns, std::span<const double> hessian,
                                 const Feedback& feedback);

}  // namespace reprise
