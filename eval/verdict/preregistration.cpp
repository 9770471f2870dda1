#include "eval/verdict/preregistration.h"

#include <algorithm>
#include <array>

#include "base/digest.h"
#include "base/ini.h"

namespace reprise {
namespace {

constexpr std::array kFree{"verdict.recurrent", "verdict.static", "verdict.study", "verdict.out",
                           "verdict.require-decision"};

}  // namespace

Preregistration read_preregistration(const std::filesystem::path& study) {
  Preregistration declared{{}, to_hex(sha256_file(study))};
  OptionSet set("verdict", "");
  set.add("verdict", declared.options);
  for (const auto& [name, value] : read_ini(study.string())) {
    if (!name.starts_with("verdict.")) continue;
    try {
      set.set(name, value);
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
