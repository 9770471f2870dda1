// The one exception of the project, and the exit codes a command can end with.
//
// A message is one line: what is wrong, where, and what to do. A library throws; only
// launch/main.cpp catches, prints the line once and ends the job.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "base/format.h"

namespace reprise {

/// Exit codes of every command; the README's table is this list.
enum class ExitCode : int {
  kOk = 0,
  kFailure =
      1,  ///< a fault of the machine or of this program: full disk, lost rank, broken invariant
  kUsage = 2,     ///< an unknown option, a value out of range, options that contradict one another
  kBadInput = 3,  ///< a file that is missing, empty, truncated, of another format or of another run
  kCapUnreachable = 4,  ///< no setting of the packer lands inside the byte target
  kInvalidTrace = 5,    ///< a trace whose contents contradict themselves or each other
  kInconclusive = 6,    ///< the verdict was asked to decide and could not
  kResumable = 75,  ///< stopped by a signal after saving: the same command continues (EX_TEMPFAIL)
};

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// Throws Error with the parts joined. `fail(ExitCode::kBadInput, path, ": empty; give a folder
/// with text")`.
template <class... Parts>
[[noreturn]] void fail(ExitCode code, const Parts&... parts) {
  throw Error(code, concat(parts...));
}

/// fail() unless `condition` holds. The parts are formatted only on failure.
template <class... Parts>
void require(bool condition, ExitCode code, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(code, parts...);
}

/// fail() with the operating system's word for `errno` behind the parts: "cannot write x: No space
/// left on device".
[[noreturn]] void fail_errno(ExitCode code, std::string_view what);

}  // namespace reprise
