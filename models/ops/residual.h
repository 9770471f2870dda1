// The residual stream's small steps, each with the normalisation that always follows it.
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::ops {

struct Residual {
  at::Tensor stream;  ///< the new residual stream
  at::Tensor normed;  ///< rms_norm(stream), what the next projection reads
};

/// stream = mix[0] * x + mix[1] * x0, per channel: what a layer begins with. mix_2D in fp32 (fp64
/// for fp64).
Residual mix_and_norm(const at::Tensor& x, const at::Tensor& x0, const at::Tensor& mix_2D);

/// first * x + second * y, per channel; the weights in fp32 (fp64 for fp64).
at::Tensor blend(const at::Tensor& x, const at::Tensor& y, const at::Tensor& first_D,
                 const at::Tensor& second_D);

/// stream = x + scale * y, per channel: what the MLP begins with.
Residual add_and_norm(const at::Tensor& x, const at::Tensor& y, const at::Tensor& scale_D);

/// x + scale * y, per channel: what a layer ends with.
at::Tensor add_scaled(const at::Tensor& x, const at::Tensor& y, const at::Tensor& scale_D);

}  // namespace reprise::ops
