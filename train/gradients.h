// The gradients of a model as a few flat tensors, the buckets (buckets.h). Each parameter's .grad()
// is a view into its bucket: backward accumulates there, all-reduce sums there, the optimiser reads
// there, and nothing is copied.
//
// A parameter that took no part in a step has a gradient of zeros, so that every rank sends the
// same bytes.
#pragma once

#include <vector>

#include "models/parameters.h"
#include "train/buckets.h"

namespace reprise {

class Gradients {
 public:
  /// Binds the gradients of `parameters`, which must be of one type and device. The views hold for
  /// as long as nobody replaces a parameter's gradient.
  explicit Gradients(const std::vector<Parameter>& parameters, BucketLimits limits = {});

  void zero();
  const std::vector<at::Tensor>& buckets() const { return buckets_; }
  size_t bucket_of(size_t parameter) const { return bucket_of_[parameter]; }
  size_t parameters() const { return bucket_of_.size(); }
  at::Device device() const { return buckets_.front().device(); }
  /// Euclidean norm over all parameters, a scalar on their device, squared and summed in fp64 so
  /// that no fp32 gradient overflows it; not finite where any gradient is not.
  at::Tensor norm() const;
  void scale(double factor);

 private:
  std::vector<at::Tensor> buckets_;
  std::vector<size_t> bucket_of_;
};

/// What gradients of Euclidean norm `norm` are multiplied by so that they do not exceed `limit`:
/// min(1, limit / (norm + 1e-6)), and 1 where `limit` is 0. Pascanu, Mikolov and Bengio, "On the
/// difficulty of training recurrent neural networks", ICML 2013, section 3.2; with the guard that
/// torch.nn.utils.clip_grad_norm_ adds, whose result this is.
double clip_factor(double norm, double limit);

}  // namespace reprise
