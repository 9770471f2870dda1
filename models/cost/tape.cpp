#include "models/cost/tape.h"

#include <algorithm>

namespace reprise {

TapeTensor Tape::make(double bytes) {
  tensors_.push_back({bytes});
  return tensors_.size() - 1;
}

void Tape::hold(double bytes) {
  live_ += bytes;
  pass_by(0);
}

void Tape::save(TapeTensor tensor) {
  if (tensors_[tensor].operations++ == 0) live_ += tensors_[tensor].bytes;
}

void Tape::keep(TapeTensor tensor) {
  save(tensor);
  pass_by(0);
}

void Tape::pass_by(double bytes) { peak_ = std::max(peak_, live_ + bytes); }

void Tape::record(Operation operation) {
  for (const TapeTensor tensor : operation.saves) save(tensor);
  operations_.push_back(std::move(operation));
  pass_by(0);
}

void Tape::release(const Operation& operation) {
  for (const size_t tensor : operation.saves)
    if (--tensors_[tensor].operations == 0) live_ -= tensors_[tensor].bytes;
}

void Tape::forget(size_t first) {
  while (operations_.size() > first) {
    release(operations_.back());
    operations_.pop_back();
  }
}

/// A second gradient of a tensor is there beside the sum until it is added.
void Tape::run_backward(const Operation& operation) {
  double during = operation.gives + operation.scratch;
  for (const SharedGradient& gradient : operation.shares) during += gradient.bytes;
  pass_by(during);
  live_ += operation.gives - operation.takes;
  for (const SharedGradient& gradient : operation.shares)
    if (waiting_.emplace(gradient.name, gradient.bytes).second) live_ += gradient.bytes;
  for (const std::string& name : operation.takes_shared) {
    const auto sum = waiting_.find(name);
    if (sum == waiting_.end()) continue;  // nothing with a graph read it
    live_ -= sum->second;
    waiting_.erase(sum);
  }
  release(operation);
}

void Tape::backward() {
  while (!operations_.empty()) {
    run_backward(operations_.back());
    operations_.pop_back();
  }
}

}  // namespace reprise
