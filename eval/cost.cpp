#include "eval/cost.h"

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

double attention_and_head(const ModelOptions& model, double layers, const PassWork& work) {
  const auto width = static_cast<double>(model.width);
  return 4 * width * layers * work.keys +
         2 * width * static_cast<double>(model.vocab) * work.readouts;
}

}  // namespace

PassWork& PassWork::operator+=(const PassWork& other) {
  positions += other.positions;
  keys += other.keys;
  readouts += other.readouts;
  return *this;
}

double base_flops(const ModelOptions& model, const PassWork& work) {
  const auto layers = static_cast<double>(model.prelude + model.core * model.passes + model.coda);
  const auto [query_and_output, key_and_value, mlp] = count_layer(model);
  return 2 * layers * (query_and_output + key_and_value + mlp) * work.positions +
         attention_and_head(model, layers, work);
}

double refinement_flops(const ModelOptions& model, const PassWork& work) {
  const auto layers = static_cast<double>(model.core + model.coda);
  const auto [query_and_output, key_and_value, mlp] = count_layer(model);
  return 2 * layers * (query_and_output + mlp) * work.positions +
         attention_and_head(model, layers, work);
}

}  // namespace reprise
