#include "models/parameters.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <numeric>

#include "base/random.h"
#include "models/basis.h"

namespace reprise {

namespace {

/// The public 16 MB baseline's values: a small tied embedding, so that the first logits are near
/// zero, and queries that start a little sharper than their norm gives.
constexpr double kEmbeddingDeviation = 0.005;
constexpr double kInitialQueryGain = 1.5;
/// Of the stream, over a pass whose reinjection is bounded.
constexpr double kInitialDecay = 0.9;

/// What a layer gives goes through one of these, so every layer starts as the identity.
bool ends_a_branch(std::string_view name) {
  const auto is = [&](std::string_view matrix) {
    return name.ends_with(matrix) || name.find(concat(matrix, ".expert.")) != name.npos;
  };
  return is("attention.output") || is("mlp.down") || name.ends_with("mlp.down.terms");
}

/// What element `position` of a tensor starts as.
using InitialValue = std::function<double(uint64_t position)>;

InitialValue initial_value(const ParameterShape& parameter, const RandomStream& stream) {
  const std::string_view name = parameter.name;
  const auto constant = [](double value) { return [value](uint64_t) { return value; }; };
  if (name == "head" || name == "pass.embedding" || name == "pass.shift") return constant(0);
  if (name.starts_with("halt.")) return constant(0);  // halts with probability 1/2 at every pass
  if (name == "reinjection.decay") return constant(std::log(-std::log(kInitialDecay)));
  if (name == "reinjection.gain") return constant(1 - kInitialDecay);
  if (name == "reinjection.projection") {  // the stream as it is
    const auto columns = static_cast<uint64_t>(parameter.shape[1]);
    return [columns](uint64_t position) {
      return position % columns == position / columns ? 1.0 : 0.0;
    };
  }
  if (name.find(".lora.") != name.npos && name.ends_with(".up")) return constant(0);
  if (parameter.role == Role::kEmbedding)
    return [stream](uint64_t position) { return kEmbeddingDeviation * stream.normal(position); };
  if (ends_a_branch(name)) return constant(0);
  if (parameter.role == Role::kMatrix) {
    // A row of terms makes a row out of the basis that is as large as one drawn directly.
    const double terms = name.ends_with(".terms") ? std::sqrt(3.0) : 1.0;
    const double bound = terms / std::sqrt(static_cast<double>(parameter.shape[1]));
    return
        [stream, bound](uint64_t position) { return bound * (2 * stream.uniform(position) - 1); };
  }
  if (name == "pass.mixing")  // what the pass made, and nothing of what it began with
    return [](uint64_t position) { return position % 2 == 0 ? 1.0 : 0.0; };
  if (name.ends_with("gain")) return constant(kInitialQueryGain);
  if (name.ends_with("mix")) {
    const auto width = static_cast<uint64_t>(parameter.shape[1]);
    return [width](uint64_t position) { return position < width ? 1.0 : 0.0; };
  }
  return constant(1);
}

at::Tensor initial_tensor(const ParameterShape& parameter, const RandomStream& stream,
                          at::ScalarType type) {
  const InitialValue value_at = initial_value(parameter, stream);
  at::Tensor values = at::empty(parameter.shape, at::kDouble);
  double* out = values.data_ptr<double>();
  constexpr int64_t kGrain = 4096;
  at::parallel_for(0, values.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out[i] = value_at(static_cast<uint64_t>(i));
  });
  return values.to(type);
}

}  // namespace

std::vector<Parameter> with_role(const std::vector<Parameter>& parameters, Role role) {
  std::vector<Parameter> chosen;
  std::ranges::copy_if(parameters, std::back_inserter(chosen),
                       [&](const Parameter& one) { return one.role == role; });
  return chosen;
}

Parameters::Parameters(const ModelOptions& options, uint64_t seed, at::Device device,
                       at::ScalarType type) {
  validate(options);
  uint32_t index = 0;
  for (const ParameterShape& parameter : parameter_shapes(options)) {
    const at::Tensor values =
        initial_tensor(parameter, RandomStream(seed, Purpose::kInit, index++), type);
    list_.push_back({parameter.name, parameter.role, values.to(device).requires_grad_()});
    if (parameter.name.ends_with(".terms"))
      chosen_terms_[parameter.name] =
          draw_terms({parameter.shape[0], parameter.shape[1], options.basis_rank},
                     static_cast<uint32_t>(chosen_terms_.size()))
              .to(device);
  }
}

at::Tensor Parameters::operator[](std::string_view name) const {
  const Parameter& parameter = find(name);
  return view_ ? view_(parameter) : parameter.tensor;
}

Parameters Parameters::seen_through(ParameterView view) const {
  Parameters seen = *this;
  seen.view_ = std::move(view);
  return seen;
}

const Parameter& Parameters::find(std::string_view name) const {
  for (const Parameter& parameter : list_)
    if (parameter.name == name) return parameter;
  fail(ExitCode::kBadInput, "the model has no parameter named '", name, "'");
}

int64_t Parameters::count() const {
  return std::accumulate(
      list_.begin(), list_.end(), int64_t{0},
      [](int64_t sum, const Parameter& parameter) { return sum + parameter.tensor.numel(); });
}

void Parameters::assign(std::string_view name, const at::Tensor& values) {
  const at::Tensor& parameter = find(name).tensor;
  require(values.sizes() == parameter.sizes(), ExitCode::kBadInput, "parameter '", name,
          "' has shape ", parameter.sizes(), " in the model and ", values.sizes(),
          " in what is loaded");
  at::NoGradGuard no_grad;
  at::Tensor(parameter).copy_(values);
}

}  // namespace reprise
