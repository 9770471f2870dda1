// Tensors and the names they are stored under.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace reprise {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;  ///< shares memory with its owner, so that copying into it restores the owner
};

/// All tensors of a run, as one rank sees them.
struct StateShare {
  std::vector<NamedTensor> common;     ///< the same on every rank
  std::vector<NamedTensor> mine;       ///< which this rank alone holds
  std::vector<std::string> elsewhere;  ///< names of those that other ranks alone hold
};

}  // namespace reprise
