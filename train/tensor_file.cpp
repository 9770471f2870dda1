#include "train/tensor_file.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cstring>

#include "base/error.h"

namespace reprise {
namespace {

std::string dtype_of(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kFloat) return "F32";
  require(tensor.scalar_type() == at::kDouble, ExitCode::kFailure, "no tensors of type ",
          tensor.scalar_type(), " are stored");
  return "F64";
}

}  // namespace

HostArrays::HostArrays(std::span<const NamedTensor> tensors) {
  for (const auto& [name, tensor] : tensors) {
    on_host_.push_back(tensor.detach().to(at::kCPU).contiguous());
    const at::Tensor& values = on_host_.back();
    views_.push_back({name,
                      dtype_of(values),
                      values.sizes().vec(),
                      {static_cast<const uint8_t*>(values.const_data_ptr()), values.nbytes()}});
  }
}

void read_tensors_into(const std::filesystem::path& path,
                       std::map<std::string, at::Tensor>& wanted) {
  const torch::autograd::AutoGradMode no_graph(false);
  const SafetensorsFile file(path);
  for (const auto& array : file.arrays()) {
    const auto found = wanted.find(array.name);
    require(found != wanted.end(), ExitCode::kBadInput, path.string(), ": holds ", array.name,
            ", which this model has not");
    const at::Tensor target = found->second;
    wanted.erase(found);
    if (!target.defined()) continue;
    require(target.sizes() == at::IntArrayRef(array.shape) && dtype_of(target) == array.dtype,
            ExitCode::kBadInput, path.string(), ": ", array.name,
            " has another shape or type than this model's");
    const at::Tensor values = at::empty(target.sizes(), at::TensorOptions(target.scalar_type()));
    if (!array.bytes.empty())
      std::memcpy(values.mutable_data_ptr(), array.bytes.data(), array.bytes.size());
    target.copy_(values);
  }
}

}  // namespace reprise
