#include "eval/verdict/preregistration.h"

#include <algorithm>
#include <array>
#include <boost/program_options/option.hpp>
#include <boost/program_options/parsers.hpp>
#include <sstream>

#include "base/digest.h"
#include "base/file.h"

namespace reprise {
namespace {

namespace po = boost::program_options;

constexpr std::array kFree{"verdict.recurrent", "verdict.static", "verdict.study", "verdict.out",
                           "verdict.require-decision"};

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

Preregistration read_preregistration(const std::filesystem::path& study) {
  const std::string text = read_file(study);
  Preregistration declared{{}, to_hex(sha256(text))};
  OptionSet set("verdict", "");
  set.add("verdict", declared.options);
  for (const auto& entry : verdict_section(text, study)) {
    try {
      set.set(entry.string_key, entry.value.at(0));
    } catch (const Error& error) {
      fail(error.code(), study.string(), ": ", error.what());
    }
  }
  return declared;
}

void require_as_declared(VerdictOptions given, Preregistration declared,
                         const std::filesystem::path& study) {
  OptionSet first("verdict", ""), second("verdict", "");
  first.add("verdict", given);
  second.add("verdict", declared.options);
  for (size_t i = 0; i < first.options().size(); ++i) {
    const Option& option = first.options()[i];
    const bool free = std::ranges::find(kFree, option.name) != kFree.end();
    require(free || option.get() == second.options()[i].get(), ExitCode::kUsage, "--", option.name,
            " is not what ", study.string(),
            " declares, by name or by leaving it at its default; what is declared before the run "
            "holds");
  }
}

}  // namespace reprise
