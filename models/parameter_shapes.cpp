#include "models/parameter_shapes.h"

#include <algorithm>

#include "models/pass_plan.h"

namespace reprise {
namespace {

using Shapes = std::vector<ParameterShape>;

/// A change of each pass's own to each matrix that the layer has by now, W + up * down: Bae et al.,
/// "Relaxed Recursive Transformers", arXiv:2410.20672, section 2.3; Hu et al. (LoRA),
/// arXiv:2106.09685.
void append_changes(int64_t rank, int64_t passes, const std::string& prefix, Shapes& shapes) {
  Shapes changes;
  for (const ParameterShape& matrix : shapes) {
    if (matrix.role != Role::kMatrix || !matrix.name.starts_with(prefix)) continue;
    const int64_t rows = matrix.shape[0], columns = matrix.shape[1];
    const int64_t own_rank = std::min({rank, rows, columns});
    for (int64_t pass = 0; pass < passes; ++pass) {
      const std::string name = change_name(matrix.name, pass);
      changes.push_back({name + ".down", Role::kMatrix, {own_rank, columns}});
      changes.push_back({name + ".up", Role::kMatrix, {rows, own_rank}});
    }
  }
  shapes.insert(shapes.end(), changes.begin(), changes.end());
}

void append_interface(const ModelOptions& options, Shapes& shapes) {
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
  if (options.pass_mixing) scalars("pass.mixing", {passes, 2});
}

void append_halting(const ModelOptions& options, Shapes& shapes) {
  if (options.halting == Halting::kNone) return;
  shapes.push_back({"halt.weight", Role::kScalar, {options.width}});
  shapes.push_back({"halt.bias", Role::kScalar, {1}});
}

/// A matrix of this shape for each expert.
void append_mixture(const std::string& matrix, int64_t experts, std::vector<int64_t> shape,
                    Shapes& shapes) {
  for (int64_t expert = 0; expert < experts; ++expert)
    shapes.push_back({expert_name(matrix, expert), Role::kMatrix, shape});
}

void append_attention(const ModelOptions& options, const LayerPlan& plan, const std::string& prefix,
                      Shapes& shapes) {
  const int64_t width = options.width, kv_width = options.kv_heads * options.head_width();
  const int64_t experts = options.experts.attention_count;
  const auto matrix = [&](const char* name, int64_t rows) {
    shapes.push_back({prefix + name, Role::kMatrix, {rows, width}});
  };
  matrix("attention.query", width);
  matrix("attention.key", kv_width);
  if (!plan.attention_experts) {
    matrix("attention.value", kv_width);
    matrix("attention.output", width);
    return;
  }
  matrix("attention.value.router", experts * options.kv_heads);
  append_mixture(prefix + "attention.value", experts, {kv_width, width}, shapes);
  matrix("attention.output.router", experts * options.heads);
  append_mixture(prefix + "attention.output", experts, {width, width}, shapes);
}

void append_mlp(const ModelOptions& options, const LayerPlan& plan, const std::string& prefix,
                Shapes& shapes) {
  const int64_t width = options.width, hidden = options.mlp_ratio * width;
  const ExpertOptions& experts = options.experts;
  const auto matrix = [&](const char* name, std::vector<int64_t> shape) {
    shapes.push_back({prefix + name, Role::kMatrix, std::move(shape)});
  };
  switch (plan.mlp) {
    case MlpKind::kDense:
      matrix("mlp.up", {hidden, width});
      matrix("mlp.down", {width, hidden});
      return;
    case MlpKind::kExperts:
      matrix("mlp.router", {experts.count, width});
      append_mixture(prefix + "mlp.up", experts.count, {experts.width, width}, shapes);
      append_mixture(prefix + "mlp.down", experts.count, {width, experts.width}, shapes);
      return;
    case MlpKind::kBasis:
      matrix("mlp.up.terms", {hidden, options.basis_terms});
      matrix("mlp.down.terms", {hidden, options.basis_terms});
      return;
  }
}

void append_layer(const ModelOptions& options, const LayerPlan& plan, int64_t layer,
                  Shapes& shapes) {
  const std::string prefix = concat("layer.", layer, ".");
  const auto scalars = [&](const char* name, std::vector<int64_t> shape) {
    if (!plan.own_scalars) shapes.push_back({scalar_name(layer, name), Role::kScalar, shape});
    for (int64_t pass = 0; plan.own_scalars && pass < options.passes; ++pass)
      shapes.push_back({own_scalar_name(layer, pass, name), Role::kScalar, shape});
  };
  scalars("mix", {2, options.width});
  append_attention(options, plan, prefix, shapes);
  scalars("attention.gain", {options.heads});
  scalars("attention.scale", {options.width});
  append_mlp(options, plan, prefix, shapes);
  scalars("mlp.scale", {options.width});
  if (plan.change_rank > 0) append_changes(plan.change_rank, options.passes, prefix, shapes);
}

/// A table of tokens, and between it and the stream a projection where it is narrower.
void append_table(const ModelOptions& options, const std::string& name, Shapes& shapes) {
  shapes.push_back({name, Role::kEmbedding, {options.vocab, options.table_width()}});
  if (options.embedding_rank > 0)
    shapes.push_back(
        {name + ".projection", Role::kMatrix, {options.width, options.embedding_rank}});
}

void append_before_layers(const ModelOptions& options, Shapes& shapes) {
  append_table(options, "embedding", shapes);
  if (options.basis_rank > 0)
    shapes.push_back({"basis", Role::kMatrix, {options.basis_rank, options.width}});
}

void append_behind_layers(const ModelOptions& options, Shapes& shapes) {
  if (options.skips)
    shapes.push_back({"skips", Role::kScalar, {options.skip_count(), options.width}});
  append_interface(options, shapes);
  append_halting(options, shapes);
  if (!options.tied) append_table(options, "head", shapes);
}

double elements_of(const Shapes& shapes) {
  double elements = 0;
  for (const ParameterShape& parameter : shapes) elements += elements_of(parameter);
  return elements;
}

/// By two passes, since every further one adds what the second did: a name for each of a thousand
/// passes over a thousand layers would take minutes.
double elements_of_layer(ModelOptions options, const LayerPlan& plan) {
  const auto more_passes = static_cast<double>(options.passes - 1);
  options.passes = 1;
  const double once = elements_of(layer_shapes(options, plan, 0));
  if (!plan.differs_by_pass()) return once;
  options.passes = 2;
  return once + more_passes * (elements_of(layer_shapes(options, plan, 0)) - once);
}

}  // namespace

double elements_of(const ParameterShape& parameter) {
  double elements = 1;
  for (const int64_t length : parameter.shape) elements *= static_cast<double>(length);
  return elements;
}

std::string change_name(std::string_view matrix, int64_t pass) {
  return concat(matrix, ".lora.", pass);
}

std::string scalar_name(int64_t layer, std::string_view scalar) {
  return concat("layer.", layer, ".", scalar);
}

std::string own_scalar_name(int64_t layer, int64_t pass, std::string_view scalar) {
  return concat("layer.", layer, ".pass.", pass, ".", scalar);
}

std::string expert_name(std::string_view matrix, int64_t expert) {
  return concat(matrix, ".expert.", expert);
}

std::vector<ParameterShape> parameter_shapes(const ModelOptions& options) {
  Shapes shapes;
  append_before_layers(options, shapes);
  int64_t layer = 0;
  for (const LayerPlan& plan : plan_layers(options)) append_layer(options, plan, layer++, shapes);
  append_behind_layers(options, shapes);
  return shapes;
}

std::vector<ParameterShape> layer_shapes(const ModelOptions& options, const LayerPlan& plan,
                                         int64_t layer) {
  Shapes shapes;
  append_layer(options, plan, layer, shapes);
  return shapes;
}

int64_t element_count(const ModelOptions& options) {
  Shapes outside;
  append_before_layers(options, outside);
  append_behind_layers(options, outside);
  double elements = elements_of(outside), of_layer = 0;
  const LayerPlan* counted = nullptr;
  const std::vector<LayerPlan> plans = plan_layers(options);
  for (const LayerPlan& plan : plans) {
    if (!counted || !(plan == *counted)) of_layer = elements_of_layer(options, plan);
    counted = &plan;
    elements += of_layer;
  }
  return static_cast<int64_t>(std::min(elements, 0x1p62));
}

}  // namespace reprise
