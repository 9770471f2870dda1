// What one window of text says of every tensor: one forward and one backward pass over one
// sequence.
#pragma once

#include <set>
#include <span>
#include <string>

#include "models/calibration/sums.h"
#include "models/network.h"

namespace reprise {

/// The second pass that is part of a model's use.
struct UsedRefinement {
  double share = 0;                 ///< of a window's tokens
  KeyRule rule = KeyRule::kCoarse;  ///< what they attend to
};

class WindowUse {
 public:
  /// `refine_share`: of a window's tokens, the most uncertain, that the refinement pass runs for;
  /// 0: none is run. The parameters' tensors, fp32 or fp64, which also decide the arithmetic, must
  /// outlive this.
  WindowUse(const ModelOptions& options, const Parameters& parameters, UsedRefinement refinement);

  const UseLayout& layout() const { return layout_; }

  /// Adds the inputs of every product, and the squared gradients of the loss
  ///
  ///   sum_t L1_t + sum_{t refined} L2_t
  ///
  /// in nats: L1 after the base passes, of every token, L2 after the refinement pass. tokens_BT is
  /// [1, T + 1]. Bits depend on the arguments alone where the calling thread computes alone. Throws
  /// kBadInput where the loss is not finite.
  void add(const at::Tensor& tokens_BT, std::span<double> sums) const;

 private:
  std::set<std::string> multiplied() const;
  at::Tensor loss(const at::Tensor& tokens_BT, ProductLog& log) const;
  at::Tensor uncertain_rows(const at::Tensor& features_BTD) const;
  void add_products(const ProductLog& log, std::span<double> sums) const;

  ModelOptions options_;
  const Parameters& parameters_;
  at::ScalarType compute_;
  UsedRefinement refinement_;
  UseLayout layout_;
};

}  // namespace reprise
