// A tensor and the name it is stored under.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace reprise {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;  ///< shares memory with its owner, so that copying into it restores the owner
};

}  // namespace reprise
