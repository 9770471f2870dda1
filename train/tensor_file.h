// Tensors to and from the safetensors layout (base/safetensors.h).
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "base/safetensors.h"
#include "train/named_tensor.h"

namespace reprise {

/// Tensors of any device, fp32 or fp64, as arrays on the host; keeps what the views point at.
class HostArrays {
 public:
  explicit HostArrays(std::span<const NamedTensor> tensors);
  std::span<const ArrayView> views() const { return views_; }

 private:
  std::vector<at::Tensor> on_host_;
  std::vector<ArrayView> views_;
};

/// Copies each array of the file into the tensor of its name, where that is defined, and takes it
/// out of `wanted`. Throws kBadInput where an array is not wanted, or has another shape or type.
void read_tensors_into(const std::filesystem::path& path,
                       std::map<std::string, at::Tensor>& wanted);

}  // namespace reprise
