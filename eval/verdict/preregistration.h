// What a study wrote down before its run: the [verdict] section of its file.
#pragma once

#include <filesystem>
#include <string>

#include "eval/verdict/options.h"

namespace reprise {

struct Preregistration {
  VerdictOptions options;  ///< the section over the defaults: what it leaves out is declared too
  std::string digest;      ///< SHA-256 of the file, in hex
};

/// Throws kBadInput (no file) or kUsage (not an INI file, an unknown name, an unreadable value).
Preregistration read_preregistration(const std::filesystem::path& study);

/// Throws kUsage, naming the option, where one that decides a claim is not as declared. Paths, and
/// which exit code an open claim has, decide nothing and are free.
///
/// To tell what was given from what was left at its default, read what was given over a copy of
/// `declared.options`.
void require_as_declared(VerdictOptions given, Preregistration declared,
                         const std::filesystem::path& study);

}  // namespace reprise
