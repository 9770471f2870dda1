#include "launch/study/study_file.h"

#include <algorithm>

#include "base/digest.h"
#include "base/ini.h"
#include "eval/verdict/preregistration.h"
#include "launch/study/declared.h"

namespace reprise {
namespace {

constexpr std::array kSections{"study", "data", "model",  "train",  "pack",
                               "use",   "eval", "report", "verdict"};

/// The value of --study.file among the words, which must be known before the others can be.
std::string file_among(std::span<const std::string> words) {
  const std::string option = "--study.file";
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with(option + "=")) return words[i].substr(option.size() + 1);
    if (words[i] == option && i + 1 < words.size()) return words[i + 1];
  }
  return "";
}

/// The arms, which say what sections the file may have.
std::vector<std::string> arms_of(const std::string& file) {
  StudyOptions study;
  OptionSet set("study", "");
  set.add("study", study);
  for (const auto& [name, value] : read_ini(file))
    if (name == "study.arms") set.set(name, value);
  return study.arms;
}

/// Of names that stand in lists: each is there once.
void require_distinct(const std::vector<std::string>& names, std::string_view what) {
  for (auto name = names.begin(); name != names.end(); ++name)
    require(std::find(names.begin(), name, *name) == name, ExitCode::kUsage, what, " names ", *name,
            " twice");
}

void require_name(const std::string& name) {
  const bool plain = std::ranges::all_of(name, [](unsigned char c) {
    return std::islower(c) || std::isdigit(c) || c == '-' || c == '_';
  });
  require(plain, ExitCode::kUsage, "study.arms: '", name,
          "' is more than small letters, digits, - and _");
  require(std::ranges::find(kSections, name) == kSections.end(), ExitCode::kUsage, "study.arms: '",
          name, "' is the name of a section");
}

/// The values that came out, whatever gave them: another --config counts like the command line.
void require_declared_in_file(const std::string& file, const Declared& declared,
                              const std::vector<std::string>& arms) {
  require(declared.study.arms == arms, ExitCode::kUsage,
          "--study.arms: the arms are named in the study file alone");
  require_as_declared(declared.verdict, read_preregistration(file), file);
}

Study study_of(Declared& declared) {
  Study study{declared.study, {}, {}, to_hex(sha256_file(declared.study.file))};
  OptionSet shared("study", "");
  study.shared = shared.add("data", declared.data)
                     .add("verdict", declared.verdict)
                     .add("report", declared.report)
                     .resolved();
  for (auto& arm : declared.arms) {
    for (int64_t* threads :
         {&arm.options.train.threads, &arm.options.pack.threads, &arm.options.eval.threads})
      *threads = declared.study.threads;
    OptionSet set("study", "");
    arm.options.bind(set, "");
    study.arms.push_back({arm.name, set.resolved()});
  }
  study.shared["verdict"]["study"] = declared.study.file;
  return study;
}

}  // namespace

std::optional<Study> read_study(std::span<const std::string> words) {
  std::vector<std::string> all(words.begin(), words.end());
  const std::string file = file_among(words);
  Declared declared;
  if (!file.empty()) {
    const auto names = arms_of(file);
    require_distinct(names, concat(file, ": study.arms"));
    for (const auto& name : names) {
      require_name(name);
      declared.arms.push_back({name, {}});
    }
    all.insert(all.begin(), {"--config", file});
  }
  OptionSet set = declared.bind();
  if (!set.parse(all)) return std::nullopt;
  require(!file.empty(), ExitCode::kUsage, "name the study: --study.file FILE");

  // Read again over arms that start from what holds for all of them, so that order does not matter.
  for (auto& arm : declared.arms) arm.options = declared.all;
  set.parse(all);

  std::vector<std::string> names;
  for (const auto& arm : declared.arms) names.push_back(arm.name);
  require_declared_in_file(file, declared, names);
  if (declared.study.out.empty())
    declared.study.out =
        (std::filesystem::path("runs") / std::filesystem::path(file).stem()).string();
  try {
    require_unset(declared);
    validate(declared);
  } catch (const Error& error) {
    fail(error.code(), file, ": ", error.what());
  }
  return study_of(declared);
}

}  // namespace reprise
