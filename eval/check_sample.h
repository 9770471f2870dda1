// The checks of checks.h on one batch of text.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <functional>

#include "eval/scorer.h"
#include "eval/trace/check_record.h"

namespace reprise {

/// The worst deviation found, by Check; kNothingCompared where there was nothing to compare.
using Measured = std::array<double, EnumNames<Check>::names.size()>;
inline constexpr double kNothingCompared = -1;
constexpr Measured nothing_measured() {
  Measured measured{};
  measured.fill(kNothingCompared);
  return measured;
}

/// Keeps the worse of two deviations; one that is not a number is the worst there is.
void keep_worse(double& worst, double measured);

/// The operations whose rules are checked, each the one that scores. A test replaces one by another
/// that breaks its rule, and sees it found out.
struct CheckedOperations {
  explicit CheckedOperations(const Scorer& scorer);  ///< which must outlive this

  const Scorer& scorer;
  std::function<at::Tensor(const at::Tensor& tokens_BT)> base_logits;  ///< [B, T, V]
  std::function<BatchScores(const ScoringBatch& batch)> score;
  std::function<Predictions(const at::Tensor& logits_NV, const at::Tensor& targets_N)> predict;
  std::function<at::Tensor(const BasePasses& base, const at::Tensor& rows_M)> refine_rows;
};

/// `epsilon` is the relative spacing of numbers in the passes' arithmetic. What rounding alone may
/// cause is measured in it: rows of logits relative to their root mean square, likelihoods to the
/// largest logit (docs/trace.md).
Measured check_sample(const CheckedOperations& operations, const ScoringBatch& batch,
                      double epsilon);

}  // namespace reprise
