#include "base/options.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/edit_distance.h"
#include "base/ini.h"
#include "base/utf8.h"

namespace reprise {
namespace po = boost::program_options;
using nlohmann::json;

namespace detail {
namespace {

template <class Number>
void parse_number(const std::string& text, Number& value, std::string_view kind) {
  Number parsed{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  require(error == std::errc() && end == text.data() + text.size(), ExitCode::kUsage, "'", text,
          "' is not ", kind);
  value = parsed;
}

}  // namespace

void parse_value(const std::string& text, bool& value) {
  const bool yes = text == "true" || text == "on" || text == "1";
  require(yes || text == "false" || text == "off" || text == "0", ExitCode::kUsage, "'", text,
          "' is neither true nor false");
  value = yes;
}

void parse_value(const std::string& text, int64_t& value) {
  parse_number(text, value, "a whole number");
}

void parse_value(const std::string& text, double& value) {
  double parsed = 0;
  parse_number(text, parsed, "a number");
  require(std::isfinite(parsed), ExitCode::kUsage, "'", text, "' is not a finite number");
  value = parsed;
}

void parse_value(const std::string& text, std::string& value) { value = text; }

void parse_value(const std::string& text, std::vector<std::string>& value) {
  value.clear();
  for (size_t start = 0; start < text.size();) {
    const size_t comma = std::min(text.find(',', start), text.size());
    const auto first = text.find_first_not_of(" \t", start);
    if (first < comma) {
      const auto last = text.find_last_not_of(" \t", comma - 1);
      value.push_back(text.substr(first, last - first + 1));
    }
    start = comma + 1;
  }
}

}  // namespace detail

namespace {

std::string text_of(const OptionValue& value) {
  struct Visitor {
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(int64_t number) const { return concat(number); }
    std::string operator()(double number) const { return json(number).dump(); }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(const std::vector<std::string>& words) const {
      std::string joined;
      for (const auto& word : words) joined += concat(joined.empty() ? "" : ",", word);
      return joined;
    }
  };
  return std::visit(Visitor{}, value);
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  return text_of(OptionValue(value.get<std::vector<std::string>>()));
}

}  // namespace

std::string nearest_name(std::string_view word, std::span<const std::string> candidates) {
  std::string best;
  size_t least = word.size() / 2 + 1;
  for (const auto& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

namespace {

/// What may be meant by `name`, which is none: the same key of another section, or one a few
/// letters away; "" where none is near.
std::string nearest_option(std::string_view name, const std::vector<Option>& options) {
  const auto key_of = [](std::string_view full) { return full.substr(full.rfind('.') + 1); };
  std::vector<std::string> names, keys, elsewhere;
  for (const auto& known : options) {
    if (key_of(known.name) == key_of(name)) elsewhere.push_back(known.name);
    names.push_back(known.name);
    keys.emplace_back(key_of(known.name));
  }
  if (!elsewhere.empty())
    return std::ranges::min(elsewhere, {},
                            [&](const auto& full) { return edit_distance(name, full); });
  const std::string near = nearest_name(name, names), near_key = nearest_name(key_of(name), keys);
  if (!near.empty() || near_key.empty()) return near;
  return names[static_cast<size_t>(std::ranges::find(keys, near_key) - keys.begin())];
}

}  // namespace

OptionSet::OptionSet(std::string command, std::string summary)
    : command_(std::move(command)), summary_(std::move(summary)) {}

void OptionSet::append(Option option) {
  require(!find(option.name), ExitCode::kFailure, "the option ", option.name, " is declared twice");
  option.default_text = text_of(option.get());
  options_.push_back(std::move(option));
}

const Option* OptionSet::find(std::string_view name) const {
  const auto found = std::ranges::find(options_, name, &Option::name);
  return found == options_.end() ? nullptr : &*found;
}

void OptionSet::set(const std::string& name, const std::string& text) {
  const Option* option = find(name);
  if (!option) {
    const std::string near = nearest_option(name, options_);
    fail(ExitCode::kUsage, "unknown option '", name, "'",
         near.empty() ? concat("; see reprise ", command_, " --help")
                      : concat("; did you mean '", near, "'?"));
  }
  const size_t bad = first_invalid_utf8(text);
  require(bad == text.npos, ExitCode::kUsage, "--", name, ": not UTF-8 at byte ", bad);
  try {
    option->set(text);
  } catch (const Error& error) {
    fail(ExitCode::kUsage, "--", name, ": ", error.what());
  }
}

void OptionSet::read_file(const std::string& path) {
  for (const auto& [name, value] : read_ini(path)) {
    try {
      set(name, value);
    } catch (const Error& error) {
      fail(error.code(), path, ": ", error.what());
    }
  }
}

void OptionSet::read_json(const json& resolved) {
  for (const auto& [section, keys] : resolved.items())
    for (const auto& [key, value] : keys.items()) set(concat(section, ".", key), text_of(value));
}

bool OptionSet::parse(std::span<const std::string> words) {
  po::options_description known;
  known.add_options()("help", "")("config", po::value<std::vector<std::string>>()->composing());
  for (const auto& option : options_)
    known.add_options()(option.name.c_str(), po::value<std::string>());
  // No abbreviations: a prefix that is unique today names another option tomorrow.
  const int style = po::command_line_style::allow_long |
                    po::command_line_style::long_allow_adjacent |
                    po::command_line_style::long_allow_next;
  po::variables_map map;
  try {
    po::command_line_parser parser(std::vector<std::string>(words.begin(), words.end()));
    po::store(parser.options(known).positional({}).style(style).run(), map);
  } catch (const po::unknown_option& error) {
    const std::string name = error.get_option_name();
    set(name.substr(std::min(name.find_first_not_of('-'), name.size())),
        "");  // names the nearest option
  } catch (const po::too_many_positional_options_error&) {
    fail(ExitCode::kUsage, "a stray word; options are written --section.key value");
  } catch (const po::error& error) {
    fail(ExitCode::kUsage, error.what());
  }
  if (map.count("help")) {
    std::cout << help();
    return false;
  }
  if (map.count("config"))
    for (const auto& file : map["config"].as<std::vector<std::string>>()) read_file(file);
  for (const auto& option : options_)
    if (map.count(option.name)) set(option.name, map[option.name].as<std::string>());
  return true;
}

std::string OptionSet::help() const {
  std::string text = concat(
      "reprise ", command_, ": ", summary_, "\n\n",
      "  --config FILE    read options from an INI file: [section], then lines key = value, taken\n"
      "                   as they stand (quotes are part of a value), # begins a comment "
      "anywhere;\n"
      "                   later files win, the command line last\n",
      "  --help           this text\n");
  std::string section;
  for (const auto& option : options_) {
    const std::string own = option.name.substr(0, option.name.find('.'));
    if (own != section) text += concat("\n[", section = own, "]\n");
    const std::string head =
        concat("  --", option.name, option.unit.empty() ? "" : concat(" (", option.unit, ")"));
    const std::string initial =
        concat("Default: ", option.default_text.empty() ? "none" : option.default_text);
    text +=
        concat(head, "\n      ", option.help, ". ", option.required ? "Required" : initial, "\n");
  }
  return text;
}

json OptionSet::resolved() const {
  json all = json::object();
  for (const auto& option : options_) {
    const size_t dot = option.name.find('.');
    std::visit(
        [&](const auto& value) {
          all[option.name.substr(0, dot)][option.name.substr(dot + 1)] = value;
        },
        option.get());
  }
  return all;
}

std::string OptionSet::digest() const { return digest_of(resolved()); }

std::string digest_of(const json& value) { return to_hex(sha256(value.dump())); }

}  // namespace reprise
