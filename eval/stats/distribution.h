// What the data say about where an effect lies: confidence limits, and tail probabilities that
// agree with them.
//
// limit() and confidence_below() are each other's inverse, so that "the interval lies below the
// margin" and "p is small enough" never disagree.
#pragma once

#include <span>
#include <vector>

namespace reprise {

struct Interval {
  double low = 0, high = 0;
};

class SamplingDistribution {
 public:
  virtual ~SamplingDistribution() = default;

  /// The value below which the effect lies with this confidence, in (0, 1). Infinite where the data
  /// place no limit.
  virtual double limit(double confidence) const = 0;

  /// The confidence that the effect lies below `effect`. One minus it is the p-value of "the effect
  /// is at least so large".
  virtual double confidence_below(double effect) const = 0;

  /// Two-sided, with equal tails.
  Interval interval(double confidence) const {
    return {limit((1 - confidence) / 2), limit((1 + confidence) / 2)};
  }
};

/// Bootstrap draws read by the bias-corrected and accelerated method: second-order accurate where a
/// percentile interval is first-order. Efron, "Better bootstrap confidence intervals", JASA 82,
/// 1987; its p-value is the same formula solved for the level (Efron & Tibshirani, "An Introduction
/// to the Bootstrap", 1993, sections 14.3 and 15.5).
class BcaDistribution : public SamplingDistribution {
 public:
  /// `draws` of the statistic in any order, its value on the data, and its leave_one_out() values.
  /// A limit beyond the outermost draw is infinite: that draw says nothing of how far it lies.
  BcaDistribution(std::vector<double> draws, double estimate, std::span<const double> jackknife);

  double limit(double confidence) const override;
  double confidence_below(double effect) const override;

  double bias() const { return bias_; }  ///< z0: 0 where half the draws lie below the estimate
  double acceleration() const {
    return acceleration_;
  }  ///< a: 0 where the error does not grow with the effect

 private:
  double rank_of(double value) const;  ///< share of the draws below it, in (0, 1)

  std::vector<double> sorted_;
  double bias_, acceleration_;
};

/// Student's t about an estimate.
class StudentDistribution : public SamplingDistribution {
 public:
  StudentDistribution(double estimate, double standard_error, double degrees_of_freedom);

  double limit(double confidence) const override;
  double confidence_below(double effect) const override;

 private:
  double estimate_, standard_error_, degrees_of_freedom_;
};

}  // namespace reprise
