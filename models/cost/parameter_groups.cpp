#include "models/cost/parameter_groups.h"

#include <charconv>

namespace reprise {
namespace {

constexpr std::string_view kLayer = "layer.";

ParameterGroup group_of_layer(const ModelOptions& model, std::string_view number) {
  int64_t layer = 0;
  std::from_chars(number.data(), number.data() + number.size(), layer);
  if (layer < model.prelude) return ParameterGroup::kPrelude;
  return layer < model.prelude + model.core ? ParameterGroup::kCore : ParameterGroup::kCoda;
}

}  // namespace

ParameterGroup group_of(const ModelOptions& model, std::string_view parameter) {
  if (parameter.starts_with("embedding")) return ParameterGroup::kEmbedding;
  if (parameter.starts_with("head")) return ParameterGroup::kHead;
  if (!parameter.starts_with(kLayer)) return ParameterGroup::kInterfaces;
  if (parameter.find(".lora.") != parameter.npos) return ParameterGroup::kAdapters;
  return group_of_layer(model, parameter.substr(kLayer.size()));
}

}  // namespace reprise
