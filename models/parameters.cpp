#include "models/parameters.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "base/random.h"

namespace reprise {

namespace {

/// The public 16 MB baseline's values: a small tied embedding, so that the first logits are near
/// zero, and queries that start a little sharper than their norm gives.
constexpr double kEmbeddingDeviation = 0.005;
constexpr double kInitialQueryGain = 1.5;
/// Of the stream, over a pass whose reinjection is bounded.
constexpr double kInitialDecay = 0.9;

/// A change of each pass's own to each matrix that the core's layer has by now, W + up * down: Bae
/// et al., "Relaxed Recursive Transformers", arXiv:2410.20672, section 2.3; Hu et al. (LoRA),
/// arXiv:2106.09685.
void append_changes(const ModelOptions& options, const std::string& prefix,
                    std::vector<ParameterShape>& shapes) {
  std::vector<ParameterShape> changes;
  for (const ParameterShape& matrix : shapes) {
    if (matrix.role != Role::kMatrix || !matrix.name.starts_with(prefix)) continue;
    for (int64_t pass = 0; pass < options.passes; ++pass) {
      const std::string name = change_name(matrix.name, pass);
      changes.push_back({name + ".down", Role::kMatrix, {options.lora_rank, matrix.shape[1]}});
      changes.push_back({name + ".up", Role::kMatrix, {matrix.shape[0], options.lora_rank}});
    }
  }
  shapes.insert(shapes.end(), changes.begin(), changes.end());
}

void append_interface(const ModelOptions& options, std::vector<ParameterShape>& shapes) {
  const int64_t width = options.width, passes = options.passes;
  const auto scalars = [&](const char* name, std::vector<int64_t> shape) {
    shapes.push_back({name, Role::kScalar, std::move(shape)});
  };
  if (options.reinjection == Reinjection::kMix) scalars("reinjection.mix", {2, width});
  if (options.reinjection == Reinjection::kProject)
    shapes.push_back({"reinjection.projection", Role::kMatrix, {width, 2 * width}});
  if (options.reinjection == Reinjection::kBounded) {
    scalars("reinjection.decay", {width});
    scalars("reinjection.gain", {width});
  }
  if (options.pass_embedding) scalars("pass.embedding", {passes, width});
  if (options.film) {
    scalars("pass.scale", {passes, width});
    scalars("pass.shift", {passes, width});
  }
}

void append_layer(const ModelOptions& options, int64_t layer, std::vector<ParameterShape>& shapes) {
  const std::string prefix = concat("layer.", layer, ".");
  const int64_t width = options.width, hidden = options.mlp_ratio * width;
  const int64_t kv_width = options.kv_heads * options.head_width();
  shapes.push_back({prefix + "mix", Role::kScalar, {2, width}});
  shapes.push_back({prefix + "attention.query", Role::kMatrix, {width, width}});
  shapes.push_back({prefix + "attention.key", Role::kMatrix, {kv_width, width}});
  shapes.push_back({prefix + "attention.value", Role::kMatrix, {kv_width, width}});
  shapes.push_back({prefix + "attention.output", Role::kMatrix, {width, width}});
  shapes.push_back({prefix + "attention.gain", Role::kScalar, {options.heads}});
  shapes.push_back({prefix + "attention.scale", Role::kScalar, {width}});
  shapes.push_back({prefix + "mlp.up", Role::kMatrix, {hidden, width}});
  shapes.push_back({prefix + "mlp.down", Role::kMatrix, {width, hidden}});
  shapes.push_back({prefix + "mlp.scale", Role::kScalar, {width}});
  if (options.changes_by_pass(layer)) append_changes(options, prefix, shapes);
}

/// A table of tokens, and between it and the stream a projection where it is narrower.
void append_table(const ModelOptions& options, const std::string& name,
                  std::vector<ParameterShape>& shapes) {
  shapes.push_back({name, Role::kEmbedding, {options.vocab, options.table_width()}});
  if (options.embedding_rank > 0)
    shapes.push_back(
        {name + ".projection", Role::kMatrix, {options.width, options.embedding_rank}});
}

/// What element `position` of a tensor starts as.
using InitialValue = std::function<double(uint64_t position)>;

InitialValue initial_value(const ParameterShape& parameter, const RandomStream& stream) {
  const std::string_view name = parameter.name;
  const auto constant = [](double value) { return [value](uint64_t) { return value; }; };
  if (name == "head" || name == "pass.embedding" || name == "pass.shift") return constant(0);
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
  if (name.ends_with("attention.output") || name.ends_with("mlp.down"))
    return constant(0);  // every layer starts as the identity
  if (parameter.role == Role::kMatrix) {
    const double bound = 1 / std::sqrt(static_cast<double>(parameter.shape[1]));
    return
        [stream, bound](uint64_t position) { return bound * (2 * stream.uniform(position) - 1); };
  }
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

std::string change_name(std::string_view matrix, int64_t pass) {
  return concat(matrix, ".lora.", pass);
}

std::vector<ParameterShape> parameter_shapes(const ModelOptions& options) {
  std::vector<ParameterShape> shapes;
  append_table(options, "embedding", shapes);
  for (int64_t layer = 0; layer < options.layers(); ++layer) append_layer(options, layer, shapes);
  if (options.skips)
    shapes.push_back({"skips", Role::kScalar, {options.skip_count(), options.width}});
  append_interface(options, shapes);
  if (!options.tied) append_table(options, "head", shapes);
  return shapes;
}

int64_t element_count(const ModelOptions& options) {
  int64_t elements = 0;
  for (const ParameterShape& parameter : parameter_shapes(options)) {
    int64_t count = 1;
    for (const int64_t length : parameter.shape) count *= length;
    elements += count;
  }
  return elements;
}

Parameters::Parameters(const ModelOptions& options, uint64_t seed, at::Device device,
                       at::ScalarType type) {
  validate(options);
  uint32_t index = 0;
  for (const ParameterShape& parameter : parameter_shapes(options)) {
    const at::Tensor values =
        initial_tensor(parameter, RandomStream(seed, Purpose::kInit, index++), type);
    list_.push_back({parameter.name, parameter.role, values.to(device).requires_grad_()});
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
