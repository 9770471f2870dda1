#include "launch/study/node.h"

#include <map>

#include "base/error.h"
#include "base/options.h"
#include "base/version.h"

namespace reprise {
namespace {

using nlohmann::json;

/// The options but for those whose contents stand in the key.
json options_without_places(const Node& node) {
  json options = node.options;
  for (const auto& place : node.places) {
    const size_t dot = place.find('.');
    options[place.substr(0, dot)].erase(place.substr(dot + 1));
  }
  return options;
}

std::string key_of(const Graph& graph, const Node& node) {
  json inputs = json::array(), outputs = json::array();
  for (const auto& input : node.inputs)
    inputs.push_back({input.option, graph.nodes.at(input.node).key, input.file, input.label});
  for (const auto& output : node.outputs)
    if (!output.option.empty()) outputs.push_back({output.option, output.file});
  return digest_of({{"version", version()},
                    {"command", node.command},
                    {"options", options_without_places(node)},
                    {"content", node.content},
                    {"inputs", inputs},
                    {"outputs", outputs}});
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string joined;
  for (const auto& word : value)
    joined += concat(joined.empty() ? "" : ",", word.get<std::string>());
  return joined;
}

/// Values of the options that name files: {"train.corpus": "runs/demo/data-1a2b3c4d/corpus"}.
std::map<std::string, std::string> paths_of(const Graph& graph, const Node& node,
                                            const std::filesystem::path& out) {
  std::map<std::string, std::string> paths;
  for (const auto& input : node.inputs) {
    std::string& value = paths[input.option];
    const auto folder = out / graph.nodes.at(input.node).folder();
    value += concat(value.empty() ? "" : ",", input.label.empty() ? "" : concat(input.label, "="),
                    (input.file.empty() ? folder : folder / input.file).string());
  }
  for (const auto& output : node.outputs)
    if (!output.option.empty())
      paths[output.option] = (out / node.folder() / output.file).lexically_normal().string();
  return paths;
}

}  // namespace

size_t Graph::add(Node node) {
  node.key = key_of(*this, node);
  nodes.push_back(std::move(node));
  return nodes.size() - 1;
}

std::string config_text(const Graph& graph, const Node& node, const std::filesystem::path& out) {
  require(out.string().find(',') == std::string::npos, ExitCode::kUsage, "study.out: '",
          out.string(), "' has a comma, which divides the names in a list; give another");
  std::map<std::string, std::map<std::string, std::string>> sections;
  for (const auto& [section, keys] : node.options.items())
    for (const auto& [key, value] : keys.items()) sections[section][key] = text_of(value);
  for (const auto& [option, path] : paths_of(graph, node, out)) {
    const size_t dot = option.find('.');
    sections[option.substr(0, dot)][option.substr(dot + 1)] = path;
  }
  std::string text;
  for (const auto& [section, keys] : sections) {
    text += concat("[", section, "]\n");
    for (const auto& [key, value] : keys) {
      require(value.find_first_of("#\n") == std::string::npos, ExitCode::kUsage, section, ".", key,
              ": '", value, "' has a # or a line break, which a configuration file cannot hold");
      text += concat(key, " = ", value, "\n");
    }
  }
  return text;
}

}  // namespace reprise
