// What the packer will make of a matrix, while it is still trained: its rows' steps and codes
// (models/artifact/quantisers/row_quantiser.h). Pure functions of the weights, without a graph
// unless said.
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise {

/// Step of every row at this many bits: of the scales that the packer's rows choose from, the one
/// with the least squared error, which is the packer's own choice where bytes cost nothing. [R, C]
/// -> [R, 1]. Reads the tensor's root mean square on the host.
at::Tensor export_steps(const at::Tensor& weight_RC, int64_t bits);

/// Every weight as it would come back: step * clip(round(weight / step)).
at::Tensor through_codes(const at::Tensor& weight_RC, const at::Tensor& steps_R1, int64_t bits);

/// (15) Entropy, in bits a weight, of the codes of a tensor: that of the histogram of weight /
/// step, in which a weight between two codes counts for both, by its distance; so it is the
/// packer's forecast where weights lie on codes, and differentiable between them. The soft
/// assignment of Agustsson et al., arXiv:1704.00648, with a linear kernel. Steps follow the
/// tensor's root mean square, as the packer's do, so that smaller weights alone gain nothing. A
/// code that never occurs counts as half a weight in the logarithm. Scalar, with a graph.
at::Tensor code_entropy_bits(const at::Tensor& weight_RC, const at::Tensor& steps_R1, int64_t bits);

}  // namespace reprise
