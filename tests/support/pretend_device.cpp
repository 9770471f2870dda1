#include "tests/support/pretend_device.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/ops/_reshape_alias_cpu_dispatch.h>
#include <ATen/ops/as_strided_cpu_dispatch.h>
#include <ATen/ops/view_cpu_dispatch.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/alloc_cpu.h>
#include <torch/library.h>

#include <cstring>
#include <functional>

#include "base/error.h"

namespace reprise::test {
namespace {

constexpr auto kPretend = c10::DeviceType::PrivateUse1;
const at::Device kDevice(kPretend, 0);

struct HostMemory final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes == 0 ? nullptr : c10::alloc_cpu(bytes);
    return {data, data, &c10::free_cpu, kDevice};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &c10::free_cpu; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
};

HostMemory memory;
REGISTER_ALLOCATOR(kPretend, &memory)

/// One device, without streams.
struct Guard final : c10::impl::NoOpDeviceGuardImpl<kPretend> {
  c10::Device exchangeDevice(c10::Device) const override { return kDevice; }
  c10::Device getDevice() const override { return kDevice; }
  c10::Stream getStream(c10::Device) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, kDevice);
  }
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

struct Hooks final : at::PrivateUse1HooksInterface {
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
};
const bool registered = [] {
  static Hooks hooks;
  at::RegisterPrivateUse1HooksInterface(&hooks);
  c10::register_privateuse1_backend("pretend");
  return true;
}();

bool is_here(const at::Tensor& tensor) { return tensor.device().type() == kPretend; }

/// The same memory as a tensor of the host.
at::Tensor on_host(const at::Tensor& tensor) {
  return at::from_blob(
      tensor.storage().mutable_data() == nullptr ? nullptr : tensor.mutable_data_ptr(),
      tensor.sizes(), tensor.strides(), at::TensorOptions(tensor.scalar_type()));
}

at::Tensor empty(c10::IntArrayRef size, std::optional<at::ScalarType> type,
                 std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>,
                 std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &memory,
                                   c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   type.value_or(at::kFloat), format);
}

at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride,
                         std::optional<at::ScalarType> type, std::optional<at::Layout>,
                         std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &memory,
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           type.value_or(at::kFloat));
}

at::Tensor copied_here(const at::Tensor& host) {
  at::Tensor here = at::empty_strided(host.sizes(), host.strides(),
                                      at::TensorOptions(kDevice).dtype(host.scalar_type()));
  on_host(here).copy_(host);
  return here;
}

/// The one way between the two.
at::Tensor copy_from(const at::Tensor& self, const at::Tensor& to, bool) {
  at::Tensor target = is_here(to) ? on_host(to) : to;
  target.copy_(is_here(self) ? on_host(self) : self);
  return to;
}

at::Scalar read_scalar(const at::Tensor& self) { return on_host(self).item(); }

const at::Tensor& resize(const at::Tensor& self, c10::IntArrayRef size,
                         std::optional<at::MemoryFormat>) {
  c10::TensorImpl* tensor = self.unsafeGetTensorImpl();
  tensor->set_sizes_contiguous(size);
  const size_t bytes = self.nbytes();
  if (bytes > self.storage().nbytes()) {
    self.storage().set_data_ptr_noswap(memory.allocate(bytes));
    self.storage().set_nbytes(bytes);
  }
  return self;
}

/// Runs any other operator on the host, over the same memory.
class OnHost {
 public:
  OnHost(const c10::OperatorHandle& op, torch::jit::Stack* stack) : op_(op), stack_(*stack) {}

  void run() {
    const auto& schema = op_.schema();
    const size_t count = schema.arguments().size(), first = stack_.size() - count;
    for (size_t i = 0; i < count; ++i) {
      const c10::AliasInfo* alias = schema.arguments()[i].alias_info();
      stack_[first + i] = translated(stack_[first + i], alias && alias->isWrite());
    }
    op_.callBoxed(&stack_);
    for (Written& written : written_) give_back(written);
    for (size_t i = stack_.size() - schema.returns().size(); i < stack_.size(); ++i)
      stack_[i] = returned(stack_[i]);
  }

 private:
  struct Written {
    at::Tensor here, host;
  };

  c10::IValue translated(const c10::IValue& value, bool written) {
    if (value.isTensor()) return translated(value.toTensor(), written);
    if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector())
        list.push_back(translated(tensor, written));
      return list;
    }
    if (value.isList() && value.toListRef().size() > 0 &&
        (value.toListRef()[0].isTensor() || value.toListRef()[0].isNone())) {
      c10::List<std::optional<at::Tensor>> list;
      for (const c10::IValue& element : value.toListRef())
        list.push_back(element.isNone() ? std::nullopt
                                        : std::optional(translated(element.toTensor(), false)));
      return list;
    }
    return value.isDevice() ? c10::IValue(at::Device(at::kCPU)) : value;
  }

  at::Tensor translated(const at::Tensor& tensor, bool written) {
    if (!tensor.defined()) return tensor;
    if (!is_here(tensor)) {
      require(tensor.dim() == 0, ExitCode::kFailure, op_.schema().name(),
              " mixes a tensor of the host, shape ", tensor.sizes(), ", with one of the device");
      return tensor;
    }
    // An empty out argument is one that the operator is to make large enough.
    const bool grows = written && tensor.numel() == 0;
    const at::Tensor host = grows ? at::empty({0}, tensor.scalar_type()) : on_host(tensor);
    if (written) written_.push_back({tensor, host});
    return host;
  }

  static void give_back(Written& written) {
    if (written.host.sizes() == written.here.sizes()) return;
    written.here.resize_(written.host.sizes());
    on_host(written.here).copy_(written.host);
  }

  c10::IValue returned(const c10::IValue& value) {
    if (value.isTensor()) return returned(value.toTensor());
    if (!value.isTensorList()) return value;
    c10::List<at::Tensor> list;
    for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(returned(tensor));
    return list;
  }

  at::Tensor returned(const at::Tensor& tensor) {
    if (!tensor.defined() || is_here(tensor)) return tensor;
    for (const Written& written : written_)
      if (written.host.is_same(tensor)) return written.here;
    return copied_here(tensor);
  }

  const c10::OperatorHandle& op_;
  torch::jit::Stack& stack_;
  std::vector<Written> written_;
};

void run_on_host(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  OnHost(op, stack).run();
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_host>());
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", &empty);
  library.impl("empty_strided", &empty_strided);
  library.impl("_copy_from", &copy_from);
  library.impl("_local_scalar_dense", &read_scalar);
  library.impl("resize_", &resize);
  library.impl("as_strided", &at::cpu::as_strided);
  library.impl("view", &at::cpu::view);
  library.impl("_reshape_alias", &at::cpu::_reshape_alias);
}

}  // namespace

at::Device pretend_device() { return kDevice; }

}  // namespace reprise::test
