// What happens to the residual stream when a pass over the core begins, and when it ends. In this
// order, each part only where ModelOptions has it on:
//
//   mix       h = mix[0] * h + mix[1] * e          e: what entered the core (behind the prelude)
//   project   h = W [h; e]                         Geiping et al., arXiv:2502.05171, section 3
//   bounded   h = exp(-exp(nu)) * h + b * e        the decay lies in (0, 1), so that passes without
//                                                  end stay bounded: Orvieto et al. (LRU),
//                                                  arXiv:2303.06349, section 3.3
//   embedding h = h + E[pass]                      Dehghani et al., arXiv:1807.03819, section 2.1
//   FiLM      h = scale[pass] * h + shift[pass]    Perez et al., arXiv:1709.07871
//   -- the layers of the core --
//   mixing    h = a[pass] * h + b[pass] * s        s: what the pass before left; learned, then
//                                                  frozen (train.freeze-mixing)
//
// All are per channel but `project` and `mixing`, whose weights are two numbers, and start as the
// identity but `bounded`. A pass behind the model's last takes the parameters of the last; so does
// the refinement pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>

#include "models/parameters.h"
#include "models/product_log.h"

namespace reprise {

class PassInterface {
 public:
  /// Binds what the options have on, in the arithmetic of the pass; casts are part of the autograd
  /// graph. What `project` multiplies is added to `products`, unless that is null.
  PassInterface(const ModelOptions& options, const Parameters& parameters, at::ScalarType compute,
                ProductLog* products = nullptr);

  /// `entered_MD` is what entered the core, the same rows as `hidden_MD`; it may be undefined
  /// without reinjection. `pass` counts from 0.
  at::Tensor begin(int64_t pass, at::Tensor hidden_MD, const at::Tensor& entered_MD) const;
  /// `hidden_MD` is what the layers made, `before_MD` what begin() was given.
  at::Tensor end(int64_t pass, const at::Tensor& hidden_MD, const at::Tensor& before_MD) const;

 private:
  at::Tensor reinject(const at::Tensor& hidden_MD, const at::Tensor& entered_MD) const;
  /// The pass whose parameters it takes.
  int64_t own(int64_t pass) const { return std::min(pass, passes_ - 1); }

  Reinjection reinjection_;
  int64_t passes_;
  ProductLog* products_;
  at::Tensor keep_D_, add_D_;  ///< of mix and bounded
  at::Tensor projection_DC_;   ///< of project, C = 2 D
  at::Tensor embedding_PD_;    ///< undefined where off, as are all
  at::Tensor scale_PD_, shift_PD_;
  at::Tensor mixing_P2_;
};

}  // namespace reprise
