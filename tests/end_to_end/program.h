// The real program, run as a user runs it.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace reprise {

struct Outcome {
  int code = -1;         ///< exit code, 128 + signal where one killed it
  std::string out, err;  ///< stdout; stderr but for mpirun's own noise
};

/// A line for /bin/sh.
Outcome run_shell(const std::string& line);

/// "<path of reprise> <words>", to be put into such a line.
std::string reprise_line(const std::string& words);
Outcome run_reprise(const std::string& words);
/// Under mpirun -q, as README.md says.
std::string ranks_line(int ranks, const std::string& words);
Outcome run_on_ranks(int ranks, const std::string& words);

/// Fails the test unless the program ended with `code` and one line on stderr that holds `words`.
void expect_refusal(const Outcome& outcome, ExitCode code, const std::string& words);

/// A few hundred short documents in two domains, text/one and text/two, the same every time.
void write_text(const std::filesystem::path& folder);

}  // namespace reprise
