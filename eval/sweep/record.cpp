#include <nlohmann/json.hpp>

#include "eval/sweep/sweep.h"

namespace reprise {
namespace {

double share_of(const Sweep& sweep, const SweptGate& gate) {
  return static_cast<double>(gate.refined) / static_cast<double>(sweep.tokens);
}

std::string padded(std::string_view text, size_t width) {
  return concat(text, std::string(text.size() < width ? width - text.size() : 1, ' '));
}

std::string bits(const EstimateWithin& within) {
  return concat(fixed(within.estimate.bpb, 5), " [", fixed(within.interval.low, 5), ", ",
                fixed(within.interval.high, 5), "]");
}

nlohmann::json controls_json(const Sweep& sweep, const SweptGate& gate) {
  nlohmann::json entries = nlohmann::json::object();
  for (size_t c = 0; c < sweep.controls.size(); ++c)
    entries[std::string(enum_name(sweep.controls[c]))] = {
        {"minus_none", to_json(gate.controls_minus_none[c])},
        {"gate_minus_this", to_json(gate.minus_controls[c])}};
  return entries;
}

std::string control_heads(const Sweep& sweep) {
  std::string heads;
  for (const SweepControl control : sweep.controls) heads += padded(enum_name(control), 16);
  return heads;
}

/// Each minus none.
std::string control_columns(const SweptGate& gate) {
  std::string columns;
  for (const EstimateWithin& control : gate.controls_minus_none)
    columns += padded(fixed(control.estimate.bpb, 5), 16);
  return columns;
}

}  // namespace

nlohmann::json sweep_record(const Sweep& sweep) {
  nlohmann::json gates = nlohmann::json::array();
  for (const SweptGate& gate : sweep.gates)
    gates.push_back(
        {{"gate", gate.gate},
         {"budget", gate.budget},
         {"thresholds", thresholds_json(gate.choice.thresholds)},
         {"may_see", gate.choice.may_see},
         {"refined", gate.refined},
         {"share", share_of(sweep, gate)},
         {"nan_scores", gate.nan_scores},
         {"score", to_json(gate.score)},
         {"minus_none", to_json(gate.minus_none)},
         {"uniform_depth_minus_none", share_of(sweep, gate) * sweep.all_minus_none.estimate.bpb},
         {"controls", controls_json(sweep, gate)}});
  return {{"key_rule", enum_name(sweep.rule)},
          {"documents", sweep.documents},
          {"tokens", sweep.tokens},
          {"none", to_json(sweep.none)},
          {"all_minus_none", to_json(sweep.all_minus_none)},
          {"gates", gates}};
}

std::string sweep_table(const Sweep& sweep) {
  std::string table =
      concat("under ", enum_name(sweep.rule), ", ", sweep.tokens, " tokens of ", sweep.documents,
             " documents; bits per byte\nnone ", fixed(sweep.none.bpb, 5), ", all minus none ",
             bits(sweep.all_minus_none), "\n\n", padded("gate", 24), padded("budget", 8),
             padded("share", 8), padded("minus none", 32), control_heads(sweep), "\n");
  for (const SweptGate& gate : sweep.gates)
    table += concat(padded(gate.gate, 24), padded(fixed(gate.budget, 3), 8),
                    padded(fixed(share_of(sweep, gate), 4), 8), padded(bits(gate.minus_none), 32),
                    control_columns(gate), "\n");
  return table;
}

}  // namespace reprise
