#include "models/cost/parameter_groups.h"

#include <charconv>

#include "models/cost/matrices.h"

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
  if (parameter == "basis") return ParameterGroup::kBasis;
  if (!parameter.starts_with(kLayer)) return ParameterGroup::kInterfaces;
  if (is_change(parameter) || is_own_scalar(parameter)) return ParameterGroup::kAdapters;
  if (is_router(parameter)) return ParameterGroup::kRouters;
  return group_of_layer(model, parameter.substr(kLayer.size()));
}

}  // namespace reprise
