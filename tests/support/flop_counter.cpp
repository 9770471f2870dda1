#include "tests/support/flop_counter.h"

#include <ATen/record_function.h>

#include <atomic>

#include "base/error.h"

namespace reprise::test {
namespace {

std::atomic<FlopCounter*> counter = nullptr;

/// Products this thread is in. libtorch makes some of others (mm of mm.out, on devices that have
/// only that one), which are the same product.
thread_local int products = 0;

struct InProduct final : at::ObserverContext {
  InProduct() { ++products; }
  ~InProduct() override { --products; }
};

std::unique_ptr<at::ObserverContext> on_operator(const at::RecordFunction& function) {
  FlopCounter* const active = counter;
  if (!active || products > 0 || !active->see(function.name(), function.inputs())) return nullptr;
  return std::make_unique<InProduct>();
}

void on_end(const at::RecordFunction&, at::ObserverContext*) {}

/// Where the left operand of a product stands among the inputs, the right one behind it; -1 of
/// another operator.
int place_of_operands(const std::string& name) {
  for (const char* product : {"aten::mm", "aten::bmm", "aten::mv"})
    if (name == product) return 0;
  for (const char* sum : {"aten::addmm", "aten::addmm_", "aten::baddbmm", "aten::addmv"})
    if (name == sum) return 1;
  return -1;
}

}  // namespace

FlopCounter::FlopCounter(at::Device device) : device_(device) {
  FlopCounter* none = nullptr;
  require(counter.compare_exchange_strong(none, this), ExitCode::kFailure,
          "operations are counted already");
  handle_ = at::addGlobalCallback(at::RecordFunctionCallback(&on_operator, &on_end)
                                      .needsInputs(true)
                                      .scopes({at::RecordScope::FUNCTION}));
}

FlopCounter::~FlopCounter() {
  at::removeCallback(handle_);
  counter = nullptr;
}

double FlopCounter::flops() const {
  const std::lock_guard lock(mutex_);
  return flops_;
}

std::set<std::string> FlopCounter::names() const {
  const std::lock_guard lock(mutex_);
  return names_;
}

/// [..., n, k] by [..., k, m]: every element of the left meets m of the right, and a vector is one
/// column.
bool FlopCounter::see(const std::string& name, c10::ArrayRef<const c10::IValue> inputs) {
  const int place = place_of_operands(name);
  const auto left_at = static_cast<size_t>(std::max(place, 0));
  if (inputs.size() <= left_at || !inputs[left_at].isTensor()) return false;
  const at::Tensor& left = inputs[left_at].toTensor();
  if (!left.defined() || left.device() != device_) return false;
  const std::lock_guard lock(mutex_);
  names_.insert(name);
  if (place < 0) return false;
  const at::Tensor& right = inputs[left_at + 1].toTensor();
  const int64_t columns = right.dim() > 1 ? right.size(-1) : 1;
  flops_ += 2 * static_cast<double>(left.numel()) * static_cast<double>(columns);
  return true;
}

}  // namespace reprise::test
