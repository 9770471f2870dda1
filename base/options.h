// Options are plain structs; one visitor over their fields feeds the parser, --help, the stored
// configuration and its digest, so that no name and no default is written twice.
//
//   struct TrainOptions {
//     int64_t steps = 300;
//     Precision precision = Precision::kBf16;
//     template <class Visitor> void visit(Visitor&& field) {
//       field("steps", steps, "steps", "optimiser steps to run");
//       field("precision", precision, "", "arithmetic of the forward and backward pass");
//     }
//   };
//
// Fields are bool, int64_t, double, std::string, std::vector<std::string> (comma separated) or an
// enum with EnumNames. Later sources win: defaults, then --config files from left to right (INI:
// [section] key = value), then
// --section.key value. A name nobody declared is an error that offers the nearest one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace reprise {

/// Specialise with `static constexpr std::array names{std::pair{E::kOne, "one"}, ...}` for every
/// enum in options.
template <class E>
struct EnumNames;

template <class E>
std::string_view enum_name(E value) {
  for (const auto& [candidate, name] : EnumNames<E>::names)
    if (candidate == value) return name;
  return "?";
}

/// Throws kUsage naming the choices.
template <class E>
E parse_enum(std::string_view text) {
  std::string choices;
  for (const auto& [candidate, name] : EnumNames<E>::names) {
    if (text == name) return candidate;
    choices += concat(choices.empty() ? "" : ", ", name);
  }
  fail(ExitCode::kUsage, "'", text, "' is none of: ", choices);
}

using OptionValue = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

/// What --help says of a field. `required("...")` in place of the text where the field's initial
/// value only stands for none, so that --help does not show it as a default.
struct OptionHelp {
  std::string_view text;
  bool required = false;

  OptionHelp(const char* words) : text(words) {}  // NOLINT: a text is a help
};
inline OptionHelp required(const char* words) {
  OptionHelp help(words);
  help.required = true;
  return help;
}

/// One bound field: where it lies, how to read it, how to show it.
struct Option {
  std::string name;  ///< "section.key"
  std::string unit, help;
  std::function<void(const std::string&)> set;
  std::function<OptionValue()> get;
  std::string default_text;
  bool required = false;  ///< has no default
};

namespace detail {
void parse_value(const std::string& text, bool& value);
void parse_value(const std::string& text, int64_t& value);
void parse_value(const std::string& text, double& value);
void parse_value(const std::string& text, std::string& value);
void parse_value(const std::string& text, std::vector<std::string>& value);
}  // namespace detail

/// The options of one command: sections bound to structs the caller owns.
class OptionSet {
 public:
  /// `command` as typed ("train"), `summary` one sentence for the head of its help.
  OptionSet(std::string command, std::string summary);

  /// Binds every field of `options` as "section.key". The struct must outlive this.
  template <class Options>
  OptionSet& add(const std::string& section, Options& options) {
    options.visit(
        [&](std::string_view key, auto& value, std::string_view unit, const OptionHelp& help) {
          bind(concat(section, ".", key), value, unit, help);
        });
    return *this;
  }

  /// Reads the words behind the command's name. Returns false where they asked for --help, which it
  /// has printed.
  bool parse(std::span<const std::string> words);

  /// One value by name; throws kUsage (unknown name, unreadable value).
  void set(const std::string& name, const std::string& text);
  void read_file(const std::string& path);         ///< an INI file
  void read_json(const nlohmann::json& resolved);  ///< what resolved() gave

  std::string help() const;
  nlohmann::json resolved() const;  ///< {"section": {"key": value}}
  std::string digest() const;       ///< SHA-256 of resolved(), in hex
  const std::vector<Option>& options() const { return options_; }

 private:
  template <class T>
  void bind(std::string name, T& value, std::string_view unit, const OptionHelp& help) {
    Option option{std::move(name), std::string(unit), std::string(help.text), {}, {}, {},
                  help.required};
    if constexpr (std::is_enum_v<T>) {
      option.set = [&value](const std::string& text) { value = parse_enum<T>(text); };
      option.get = [&value] { return OptionValue(std::string(enum_name(value))); };
      for (const auto& [_, choice] : EnumNames<T>::names)
        option.unit += concat(option.unit.empty() ? "" : "|", choice);
    } else {
      option.set = [&value](const std::string& text) { detail::parse_value(text, value); };
      option.get = [&value] { return OptionValue(value); };
    }
    append(std::move(option));
  }
  void append(Option option);
  const Option* find(std::string_view name) const;

  std::string command_, summary_;
  std::vector<Option> options_;
};

/// The candidate with the least edit distance to `word`, or "" where none is near.
std::string nearest_name(std::string_view word, std::span<const std::string> candidates);

/// SHA-256 of a JSON value in its canonical form (sorted keys, no white space), in hex.
std::string digest_of(const nlohmann::json& value);

}  // namespace reprise
