// One temperature for many predictions: the scale s = 1 / T of their logits at which their nats are
// least. f(s) = Σ log Σ_v exp(s z_v) − s z_target is convex, with
//   f' = Σ E_s[z] − z_target      f'' = Σ Var_s[z]
// so that Newton's steps, kept inside an interval that f' narrows, find its minimum.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace reprise {

/// One entry a row.
struct ScaleDerivatives {
  std::vector<double> nats, slope, curvature;
};

/// logits_NV fp64; the scale of each row.
ScaleDerivatives scale_derivatives(const at::Tensor& logits_NV, const at::Tensor& targets_N,
                                   const std::vector<double>& scales);

/// Asks for the sums of the derivatives at scale() until it is done.
class ScaleSearch {
 public:
  /// A temperature beyond these is none that says anything; it ends there.
  static constexpr double kLeast = 1.0 / 32, kMost = 32;

  double scale() const { return scale_; }
  bool done() const { return done_; }
  void take(double slope, double curvature);

 private:
  double scale_ = 1, low_ = kLeast, high_ = kMost;
  int rounds_ = 0;
  bool done_ = false;
};

}  // namespace reprise
