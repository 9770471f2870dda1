// AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019) by libtorch's
// fused kernel, over parameters that share one learning rate.
#pragma once

#include <vector>

#include "models/parameters.h"
#include "train/named_tensor.h"

namespace reprise {

struct AdamWStep {
  int64_t step =
      0;  ///< steps that lie behind; the bias correction of the first step is that of t = 1
  double rate = 0, weight_decay = 0;
};

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
};

class AdamW {
 public:
  AdamW(std::vector<Parameter> parameters, AdamWOptions options);

  /// Updates every weight in place from its gradient.
  void step(const AdamWStep& step);

  /// "adamw.mean.<name>" and "adamw.square.<name>" for every parameter.
  std::vector<NamedTensor> state() const;

 private:
  AdamWOptions options_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> weights_, means_, squares_;
  std::vector<at::Tensor> counts_;  ///< of steps; one tensor, named once for every weight
};

}  // namespace reprise
