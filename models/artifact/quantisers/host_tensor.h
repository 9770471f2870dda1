// A tensor outside libtorch: the packer and the loader need no more.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reprise {

struct HostTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;  ///< row-major
};

}  // namespace reprise
