#include "train/gradients.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace reprise {

Gradients::Gradients(const std::vector<Parameter>& parameters, BucketLimits limits)
    : bucket_of_(parameters.size()) {
  std::vector<int64_t> sizes_bytes;
  for (const auto& parameter : parameters)
    sizes_bytes.push_back(static_cast<int64_t>(parameter.tensor.nbytes()));
  for (const auto& members : plan_buckets(sizes_bytes, limits)) {
    int64_t elements = 0;
    for (const size_t index : members) elements += parameters[index].tensor.numel();
    const at::Tensor& any = parameters[members.front()].tensor;
    const at::Tensor flat = at::zeros({elements}, any.options().requires_grad(false));
    int64_t first = 0;
    for (const size_t index : members) {
      at::Tensor weight = parameters[index].tensor;
      weight.mutable_grad() = flat.narrow(0, first, weight.numel()).view(weight.sizes());
      first += weight.numel();
      bucket_of_[index] = buckets_.size();
    }
    buckets_.push_back(flat);
  }
}

void Gradients::zero() {
  for (auto& bucket : buckets_) bucket.zero_();
}

at::Tensor Gradients::norm() const {
  std::vector<at::Tensor> norms;
  for (const auto& bucket : buckets_) norms.push_back(at::norm(bucket, 2, at::kDouble));
  return at::norm(at::stack(norms));
}

void Gradients::scale(double factor) {
  for (auto& bucket : buckets_) bucket.mul_(factor);
}

double clip_factor(double norm, double limit) {
  constexpr double kGuard = 1e-6;
  return limit > 0 ? std::min(1.0, limit / (norm + kGuard)) : 1.0;
}

}  // namespace reprise
