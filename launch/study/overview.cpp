#include "launch/study/overview.h"

#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "launch/study/store.h"
#include "train/objective.h"
#include "train/options.h"

namespace reprise {
namespace {

using nlohmann::json;

std::string state_name(NodeState state) {
  switch (state) {
    case NodeState::kMissing:
      return "to run";
    case NodeState::kPartial:
      return "to continue";
    case NodeState::kDone:
      return "done";
  }
  return "?";
}

/// Words as a shell reads them.
std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) {
    const bool plain = word.find_first_of(" '\"\\$&|;<>()*?") == std::string::npos;
    line += concat(line.empty() ? "" : " ", plain ? word : concat('\'', word, '\''));
  }
  return line;
}

json describe(const Node& node, const RunnerOptions& options) {
  const NodeState state = state_of(node, options.out);
  const auto folder = options.out / node.folder();
  json shown = {
      {"name", node.name},         {"state", state_name(state)},
      {"command", node.command},   {"ranks", node.ranks},
      {"threads", node.threads},   {"key", node.key},
      {"folder", folder.string()}, {"command_line", shell_line(command_of(node, options))}};
  if (state == NodeState::kDone) shown["elapsed_s"] = completion_of(node, options.out).elapsed_s;
  if (state == NodeState::kPartial) shown["last_line"] = last_line(folder / "log");
  if (state != NodeState::kDone && node.command == "train")
    shown["predicted_flops"] = predicted_training_flops(node.options);
  return shown;
}

std::string head_line(const json& overview) {
  const auto& nodes = overview.at("nodes");
  const auto done =
      std::ranges::count(nodes, "done", [](const json& node) { return node.at("state"); });
  return concat(overview.at("study").get<std::string>(), " in ",
                overview.at("out").get<std::string>(), ": ", done, " of ", nodes.size(), " done\n");
}

std::string padded(const json& text, int width) {
  std::ostringstream out;
  out << std::left << std::setw(width) << text.get<std::string>();
  return out.str();
}

}  // namespace

double predicted_training_flops(const json& options) {
  ModelOptions model;
  TrainOptions train;
  OptionSet("train", "").add("model", model).add("train", train).read_json(options);
  const auto objective = make_objective(train.objective, model, static_cast<uint64_t>(train.seed));
  double flops_per_token_and_step = 0;  // depth and parts may change with every step
  for (int64_t step = 0; step < train.steps; ++step)
    flops_per_token_and_step += objective->flops_per_token({step, train.steps});
  return flops_per_token_and_step * static_cast<double>(train.sequences * model.context);
}

json overview(const Study& study, const Graph& graph, const RunnerOptions& options) {
  json nodes = json::array();
  for (const auto& node : graph.nodes) nodes.push_back(describe(node, options));
  return {{"study", study.options.file}, {"out", options.out.string()}, {"nodes", nodes}};
}

std::string plan_text(const json& overview) {
  std::string text = head_line(overview);
  double flops = 0;
  for (const auto& node : overview.at("nodes")) {
    text +=
        concat(padded(node.at("state"), 12), ' ', node.at("command_line").get<std::string>(), '\n');
    flops += node.value("predicted_flops", 0.0);
  }
  if (flops > 0) text += concat("Training to come: about ", fixed(flops / 1e12, 2), " TFLOP.\n");
  return text;
}

std::string status_text(const json& overview) {
  std::string text = head_line(overview);
  for (const auto& node : overview.at("nodes")) {
    text += concat(padded(node.at("state"), 12), ' ', padded(node.at("name"), 24));
    if (node.contains("elapsed_s")) text += concat(fixed(node["elapsed_s"].get<double>(), 1), " s");
    if (node.contains("last_line")) text += node["last_line"].get<std::string>();
    text += '\n';
  }
  return text;
}

}  // namespace reprise
