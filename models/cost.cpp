#include "models/cost.h"

namespace reprise {
namespace {

/// Weights of one layer's matrices that a position is multiplied with.
struct LayerWeightCounts {
  double query_and_output, key_and_value, mlp;
};

LayerWeightCounts count_layer(const ModelOptions& model) {
  const auto width = static_cast<double>(model.width);
  const auto key_width = static_cast<double>(model.kv_heads * model.head_width());
  return {2 * width * width, 2 * width * key_width,
          2 * static_cast<double>(model.mlp_ratio) * width * width};
}

/// A table's rows with the stream: through its projection where it is narrower.
double projection_flops(const ModelOptions& model) {
  return model.embedding_rank > 0 ? 2 * static_cast<double>(model.width * model.embedding_rank) : 0;
}

/// What a pass does to every position before its layers, as far as it is a product.
double interface_flops(const ModelOptions& model) {
  const auto width = static_cast<double>(model.width);
  return model.reinjection == Reinjection::kProject ? 4 * width * width : 0;
}

/// Layers that the base passes run for every position. The coda runs behind each pass whose readout
/// is summed.
int64_t base_layers(const ModelOptions& model) {
  const int64_t codas = model.readout == Readout::kSum ? model.passes : 1;
  return model.prelude + model.core * model.passes + model.coda * codas;
}

/// Of the passes from the floor to the last but one.
double halting_flops(const ModelOptions& model) {
  if (model.halting == Halting::kNone) return 0;
  return 2 * static_cast<double>(model.width * (model.passes - model.halt_floor));
}

double attention_and_head(const ModelOptions& model, double layers, const PassWork& work) {
  const double logits = 2 * static_cast<double>(model.table_width() * model.vocab);
  return 4 * static_cast<double>(model.width) * layers * work.keys +
         (logits + projection_flops(model)) * work.readouts;
}

/// Layers that make their keys, and the head.
double flops_of_layers(const ModelOptions& model, int64_t count, const PassWork& work) {
  const auto layers = static_cast<double>(count);
  const auto [query_and_output, key_and_value, mlp] = count_layer(model);
  return 2 * layers * (query_and_output + key_and_value + mlp) * work.positions +
         attention_and_head(model, layers, work);
}

}  // namespace

PassWork& PassWork::operator+=(const PassWork& other) {
  positions += other.positions;
  keys += other.keys;
  readouts += other.readouts;
  return *this;
}

PassWork mean_position(const ModelOptions& model) {
  return {.positions = 1, .keys = (static_cast<double>(model.context) + 1) / 2, .readouts = 1};
}

double base_flops(const ModelOptions& model, const PassWork& work) {
  return flops_of_layers(model, base_layers(model), work) +
         (projection_flops(model) + static_cast<double>(model.passes) * interface_flops(model) +
          halting_flops(model)) *
             work.positions;
}

double readout_flops(const ModelOptions& model, const PassWork& work) {
  return flops_of_layers(model, model.readout == Readout::kSum ? 0 : model.coda, work);
}

double refinement_flops(const ModelOptions& model, const PassWork& work) {
  const auto layers = static_cast<double>(model.core + model.coda);
  const auto [query_and_output, key_and_value, mlp] = count_layer(model);
  return (2 * layers * (query_and_output + mlp) + interface_flops(model)) * work.positions +
         attention_and_head(model, layers, work);
}

}  // namespace reprise
