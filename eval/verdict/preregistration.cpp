#include "eval/verdict/preregistration.h"

#include <boost/program_options/option.hpp>
#include <boost/program_options/parsers.hpp>
#include <sstream>

#include "base/digest.h"
#include "base/file.h"

namespace reprise {
namespace {

namespace po = boost::program_options;

const Option& option_named(const OptionSet& set, const std::string& name) {
  for (const auto& option : set.options())
    if (option.name == name) return option;
  fail(ExitCode::kUsage, "unknown option '", name, "'");
}

std::vector<po::option> verdict_section(const std::string& text,
                                        const std::filesystem::path& study) {
  std::istringstream in(text);
  std::vector<po::option> section;
  try {
    for (auto& entry :
         po::parse_config_file(in, po::options_description(), /*allow_unregistered=*/true).options)
      if (entry.string_key.starts_with("verdict.")) section.push_back(std::move(entry));
  } catch (const po::error& error) {
    fail(ExitCode::kUsage, study.string(), ": ", error.what());
  }
  return section;
}

}  // namespace

std::string apply_preregistration(const std::filesystem::path& study, VerdictOptions& options) {
  VerdictOptions unset, declared;
  OptionSet given("verdict", ""), defaults("verdict", ""), file("verdict", "");
  given.add("verdict", options);
  defaults.add("verdict", unset);
  file.add("verdict", declared);
  const std::string text = read_file(study);
  for (const auto& entry : verdict_section(text, study)) {
    const std::string& name = entry.string_key;
    try {
      file.set(name, entry.value.at(0));
    } catch (const Error& error) {
      fail(error.code(), study.string(), ": ", error.what());
    }
    const OptionValue value = option_named(given, name).get();
    require(value == option_named(defaults, name).get() || value == option_named(file, name).get(),
            ExitCode::kUsage, "--", name, " is not what ", study.string(),
            " declares; what is declared before the run holds");
    given.set(name, entry.value.at(0));
  }
  return to_hex(sha256(text));
}

}  // namespace reprise
