// One matrix product for each group of neighbouring rows: what a mixture of experts computes, and
// nothing for rows an expert does not have.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace reprise::ops {

/// Rows [offsets[x], offsets[x + 1]) of packed_NC times weights_XRC[x] transposed -> [N, R]. One
/// offset more than groups, from 0 to N; a group may be empty.
at::Tensor grouped_product(const at::Tensor& packed_NC, const std::vector<int64_t>& offsets,
                           const at::Tensor& weights_XRC);

}  // namespace reprise::ops
