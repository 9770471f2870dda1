// A study file, read: which arms, with every option resolved.
//
// An INI file. [study] names the arms; a section like [model] holds for all of them and [ARM.model]
// for one, whatever their order; options of the command line come last, but for what is declared
// before a run: the arms and the [verdict] section. docs/study.md has the whole of it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "launch/study/options.h"

namespace reprise {

/// A model of the study.
struct Arm {
  std::string name;
  nlohmann::json options;  ///< {"section": {"key": value}} for model, train, pack, eval
};

struct Study {
  StudyOptions options;
  std::vector<Arm> arms;
  nlohmann::json shared;    ///< sections data, verdict, report
  std::string file_digest;  ///< SHA-256 of the file, in hex
};

/// Reads the words behind `reprise study <action>`. Nothing where they asked for --help, which has
/// been printed. Throws kUsage, in one line, for whatever can be refused before anything runs.
std::optional<Study> read_study(std::span<const std::string> words);

}  // namespace reprise
