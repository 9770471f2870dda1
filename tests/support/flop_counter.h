// Floating-point operations as libtorch runs them: every matrix product that passes the dispatcher
// is counted from the shapes it really has, a multiply-add as two.
//
// Counts operators on tensors of one device, on all threads (backward runs on threads of its own
// where the device is not the host), from construction on. What computes a product out of the
// dispatcher's sight, as fused attention and our kernels do, is not counted: a test asks names()
// whether such an operator ran.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <mutex>
#include <set>
#include <string>

namespace reprise::test {

class FlopCounter {
 public:
  explicit FlopCounter(at::Device device);
  ~FlopCounter();
  FlopCounter(const FlopCounter&) = delete;
  FlopCounter& operator=(const FlopCounter&) = delete;

  double flops() const;
  std::set<std::string> names() const;  ///< of the operators that ran

  /// What the dispatcher tells; whether it is a product that was counted.
  bool see(const std::string& name, c10::ArrayRef<const c10::IValue> inputs);

 private:
  const at::Device device_;
  uint64_t handle_ = 0;
  mutable std::mutex mutex_;
  double flops_ = 0;
  std::set<std::string> names_;
};

}  // namespace reprise::test
