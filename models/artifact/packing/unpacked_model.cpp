#include "models/artifact/packing/unpacked_model.h"

#include "base/error.h"

namespace reprise {

void check_tensors(const std::vector<HostTensor>& tensors) {
  require(!tensors.empty(), ExitCode::kBadInput, "the model has no tensors");
  for (const HostTensor& tensor : tensors) {
    int64_t elements = 1;
    for (const int64_t length : tensor.shape) elements *= length;
    require(elements > 0 && elements == static_cast<int64_t>(tensor.values.size()),
            ExitCode::kBadInput, "tensor ", tensor.name, " has ", tensor.values.size(),
            " weights, its shape says ", elements);
  }
}

}  // namespace reprise
