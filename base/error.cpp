#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace reprise {

void fail_errno(ExitCode code, std::string_view what) {
  const std::string reason = std::generic_category().message(errno);
  fail(code, what, ": ", reason);
}

}  // namespace reprise
