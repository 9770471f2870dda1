#include "base/ini.h"

#include <boost/program_options/option.hpp>
#include <boost/program_options/parsers.hpp>
#include <cstdint>
#include <set>
#include <sstream>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace reprise {
namespace {

namespace po = boost::program_options;

std::string text_behind_mark(const std::string& path) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  std::string text = read_text(path);
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// The number of the line that gives `name` for the second time.
int64_t line_of_repetition(const std::string& text, std::string_view name) {
  std::istringstream in(text);
  std::string section, words;
  bool seen = false;
  for (int64_t number = 1; std::getline(in, words); ++number) {
    const std::string_view line = trimmed(std::string_view(words).substr(0, words.find('#')));
    if (line.starts_with('[') && line.ends_with(']')) {
      section = concat(line.substr(1, line.size() - 2), ".");
      continue;
    }
    if (concat(section, trimmed(line.substr(0, line.find('=')))) != name) continue;
    if (seen) return number;
    seen = true;
  }
  return 0;
}

}  // namespace

std::vector<IniEntry> read_ini(const std::string& path) {
  const std::string text = text_behind_mark(path);
  std::istringstream in(text);
  std::vector<IniEntry> entries;
  try {
    const auto parsed =
        po::parse_config_file(in, po::options_description(), /*allow_unregistered=*/true);
    std::set<std::string> given;
    for (const auto& option : parsed.options) {
      const std::string& name = option.string_key;
      require(given.insert(name).second, ExitCode::kUsage, path, ": line ",
              line_of_repetition(text, name), " gives ", name, " a second time; keep one");
      entries.push_back({name, option.value.at(0)});
    }
  } catch (const po::error& error) {
    fail(ExitCode::kUsage, path, ": ", error.what());
  }
  return entries;
}

}  // namespace reprise
