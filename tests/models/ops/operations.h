// Every operation with kernels, beside its reference, on inputs whose shapes fit no vector length.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <vector>

namespace reprise::test {

using Tensors = std::vector<at::Tensor>;
using TensorFunction = std::function<Tensors(const Tensors&)>;

struct Operation {
  std::string name;
  Tensors inputs;   ///< fp64
  size_t wide = 0;  ///< how many of the last inputs are per-channel weights, never in bf16
  TensorFunction ours, reference;
};

std::vector<Operation> operations();

}  // namespace reprise::test
