#include "models/device.h"

#include <ATen/ATen.h>

namespace reprise {

at::Device tensor_device(const ComputeDevice& device) {
  if (!device.on_gpu()) return at::kCPU;
  return {at::kCUDA, static_cast<c10::DeviceIndex>(device.gpu)};
}

// libtorch keeps the pinned copy until the stream has read it.
at::Tensor moved_to(at::Device device, const at::Tensor& tensor) {
  if (tensor.device() == device) return tensor;
  if (!device.is_cuda() || !tensor.is_cpu()) return tensor.to(device);
  return tensor.pin_memory().to(device, /*non_blocking=*/true);
}

}  // namespace reprise
