#include "eval/alternatives/record.h"

#include <ATen/ATen.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace reprise {
namespace {

using nlohmann::json;

/// JSON has no infinity.
json number_json(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json interval_json(const Interval& interval) {
  return {number_json(interval.low), number_json(interval.high)};
}

json within_json(const std::optional<EstimateWithin>& within) {
  return within ? to_json(*within) : json(nullptr);
}

json arm_json(const Alternatives& all, size_t a) {
  const Arm& arm = all.plan.arms[a];
  const ArmResult& result = all.comparison.arms[a];
  json fitted = nullptr;
  if (!arm.fitted.empty())
    fitted = {{"what", arm.fitted}, {"numbers", arm.fitted_numbers}, {"on", all.fitted_on}};
  return {{"arm", arm.name},
          {"bpb", result.score.bpb},
          {"standard_error", result.score.standard_error},
          {"minus_none", within_json(result.minus_none)},
          {"minus_all", within_json(result.minus_all)},
          {"bytes", all.bytes[a]},
          {"flops_per_token", all.flops[a]},
          {"fitted", fitted}};
}

json change_json(const FittedChange& fitted) {
  return {{"nats_before", fitted.nats_before}, {"nats_after", fitted.nats_after}};
}

json fitted_json(const FittedState& fitted, bool by_gate) {
  json temperature = change_json(fitted.temperature), readout = change_json(fitted.readout);
  temperature["temperature"] = 1 / fitted.temperature.change.scale;
  const at::Tensor& bias_V = fitted.readout.change.bias_V;
  readout["scale"] = fitted.readout.change.scale;
  readout["largest_bias"] = bias_V.abs().max().item<double>();
  readout["best_step"] = fitted.best_step;
  json entry{{"temperature", temperature}, {"readout", readout}};
  if (by_gate) {
    entry["temperature-by-gate"] = change_json(fitted.by_gate);
    entry["temperature-by-gate"]["picked"] = 1 / fitted.by_gate.change.scale_picked;
    entry["temperature-by-gate"]["others"] = 1 / fitted.by_gate.change.scale;
  }
  return entry;
}

json absorption_json(const Alternatives& all, const Absorption& absorption) {
  json entry{{"control", absorption.control},
             {"of", absorption.of},
             {"with", all.plan.arms[absorption.with].name},
             {"without", all.plan.arms[absorption.without].name},
             {"gain", to_json(absorption.gain)},
             {"remaining", to_json(absorption.remaining)},
             {"absorbed_share", nullptr},
             {"share_interval", nullptr},
             {"word", enum_name(absorption.word)}};
  if (absorption.share) entry["absorbed_share"] = *absorption.share;
  if (absorption.share_interval)
    entry["share_interval"] = interval_json(*absorption.share_interval);
  return entry;
}

json search_json(const Alternatives& all, const SearchPair& pair) {
  return {{"count", pair.count},
          {"noise", pair.sigma},
          {"parallel", all.plan.arms[pair.parallel].name},
          {"serial", all.plan.arms[pair.serial].name},
          {"parallel_minus_serial", within_json(pair.difference)},
          {"parallel_flops_per_token", all.flops[pair.parallel]},
          {"serial_flops_per_token", all.flops[pair.serial]}};
}

json left_out(const Alternatives& all) {
  json words = json::array();
  if (!all.gate)
    words.push_back("gated arms: the artifact carries no gate, and refine-share asks for none");
  if (!all.plan.find("mean-logits-of-passes"))
    words.push_back("averages of base passes: the model has one");
  if (!all.plan.find("two-models")) words.push_back("two models: no second artifact was given");
  return words;
}

}  // namespace

json alternatives_record(const Alternatives& all) {
  json arms = json::array(), absorptions = json::array(), searches = json::array(),
       fitted = json::object();
  for (size_t a = 0; a < all.plan.arms.size(); ++a) arms.push_back(arm_json(all, a));
  for (const auto& absorption : all.comparison.absorptions)
    absorptions.push_back(absorption_json(all, absorption));
  for (const auto& pair : all.comparison.searches) searches.push_back(search_json(all, pair));
  for (size_t s = 0; s < all.fitted.size(); ++s)
    fitted[kStateNames[s]] = fitted_json(all.fitted[s], all.gate.has_value());
  json record{{"documents", all.scores.arms[0].size()},
              {"tokens", all.scores.tokens},
              {"fitted_on", all.fitted_on},
              {"fitted_tokens", all.fit_tokens},
              {"scored_on", all.scored_on},
              {"key_rule", enum_name(all.rule)},
              {"window", all.windows.length},
              {"stride", all.windows.stride},
              {"gate", nullptr},
              {"fitted", fitted},
              {"arms", arms},
              {"c6", absorptions},
              {"falsifying_share", kMostShare},
              {"c21", searches},
              {"left_out", left_out(all)}};
  if (all.gate)
    record["gate"] = {{"signal", all.gate->signal},
                      {"threshold", all.gate->threshold},
                      {"valid_share", all.gate->valid_share},
                      {"calibrated_on", all.gate->calibrated_on},
                      {"share", all.scores.gated.positions / all.scores.work.positions}};
  if (all.second_nats)
    record["valid_nats"] = {{"none", *all.none_nats}, {"second", *all.second_nats}};
  return record;
}

}  // namespace reprise
