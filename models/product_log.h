// Which matrices multiplied which rows, for who measures how a model's weights are used.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace reprise {

/// Rows x that a matrix was applied to as it is stored, y = W x: behind every norm, gate,
/// activation and reinjection.
struct ProductUse {
  std::string matrix;  ///< as in Parameters::list()
  int64_t pass = 0;    ///< whose change (parameter_shapes.h) was added to it, where it has changes
  at::Tensor inputs_MC;  ///< without a graph; shares memory with what the network keeps
};
using ProductLog = std::vector<ProductUse>;

/// Adds `inputs`, [..., C], unless there is no log.
inline void record_product(ProductLog* log, std::string_view matrix, const at::Tensor& inputs) {
  if (log) log->push_back({std::string(matrix), 0, inputs.detach().flatten(0, -2)});
}

}  // namespace reprise
