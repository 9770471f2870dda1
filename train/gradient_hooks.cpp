#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "train/reducer.h"

namespace reprise {
namespace autograd = torch::autograd;

struct GradientHooks::State {
  struct Registration {
    std::shared_ptr<autograd::Node> accumulator;  ///< kept: the parameter itself holds it weakly
    uintptr_t key = 0;
  };

  Reducer& reducer;
  Backward next = Backward::kLast;
  std::vector<Registration> registrations = {};
};

namespace {

/// Runs behind the node that accumulates into one parameter's gradient.
template <class State>
struct AddToReducer : autograd::FunctionPostHook {
  AddToReducer(State& owner, size_t parameter) : state(owner), index(parameter) {}
  autograd::variable_list operator()(const autograd::variable_list& outputs,
                                     const autograd::variable_list&) override {
    if (state.next == Backward::kLast) state.reducer.add(index);
    return outputs;
  }
  State& state;
  size_t index;
};

}  // namespace

GradientHooks::GradientHooks(const std::vector<Parameter>& parameters, Reducer& reducer)
    : state_(new State{reducer}) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    auto accumulator = autograd::impl::grad_accumulator(parameters[i].tensor);
    const uintptr_t key =
        accumulator->add_post_hook(std::make_unique<AddToReducer<State>>(*state_, i));
    state_->registrations.push_back({std::move(accumulator), key});
  }
}

GradientHooks::~GradientHooks() {
  for (const auto& registration : state_->registrations)
    registration.accumulator->del_post_hook(registration.key);
}

void GradientHooks::follow(Backward backward) { state_->next = backward; }

}  // namespace reprise
