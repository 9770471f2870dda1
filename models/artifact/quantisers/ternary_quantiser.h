// Chooses what is kept of a matrix as ternary.h stores it: for every row a scale and a threshold,
// below which weights become 0.
//
// For a scale s the best codes are the signs of the weights beyond s / 2, whatever their
// importance, and sums over the sorted weights give their error at once. So every scale of the
// ladder that can be best is tried, and the best is exact. A penalty on every weight that is not
// zero raises the threshold: a row has a choice for each of a few penalties, since more zeros cost
// fewer coded bits.
//
// With a Hessian the trits are rounded with error feedback (feedback.h), and a column counts as
// much as its errors then cost.
#pragma once

#include <optional>

#include "models/artifact/quantisers/feedback.h"
#include "models/artifact/quantisers/quantiser.h"

namespace reprise {

class TernaryQuantiser : public Quantiser {
 public:
  explicit TernaryQuantiser(Subject subject);
  Forecast forecast(double slope) const override;
  QuantisedTensor quantise(double slope) const override;

  /// What one row may be stored as.
  struct Choice {
    uint16_t scale = 0;   ///< binary16
    float threshold = 0;  ///< see ternary_code()
    uint32_t zeros = 0;
    float distortion = 0;
  };

 private:
  /// Every row's choice at one slope. What a trit costs follows from how often all rows together
  /// have it, and their choices from what it costs: found by turns.
  struct Plan {
    std::vector<const Choice*> rows;
    double bits = 0;  ///< entropy of the trits
  };

  void measure(size_t row);
  /// Every weight's trit, row-major.
  std::vector<int8_t> trits(const Plan& plan) const;
  Plan plan(double slope) const;

  Subject subject_;
  std::optional<Feedback> feedback_;
  const std::vector<float>& weights_;
  size_t rows_, columns_;
  std::vector<Choice> choices_;  ///< [row][penalty]
};

}  // namespace reprise
